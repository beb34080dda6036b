"""Verdicts in the terminal, each with what it rests on."""

import math
from collections import Counter
from collections.abc import Sequence

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from audition.answers import DEFAULT_TERMS, Judgement
from audition.console import console
from audition.records.store import Ledger
from audition.report.cost import Line, by_other_measures, notes, price, stopwatches
from audition.stats import SeedRule
from audition.text import (
    count,
    gain,
    gain_interval,
    interval,
    levels,
    number,
    probability,
    signed,
)

COLOURS = {
    "supported": "bold green",
    "refuted": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
}


MANY = 12
"""Verdicts from which on each is given a line, unless all are asked for whole."""


NUMBERS = 80
"""Columns that the line of a verdict needs beside the arm's name."""


def show_judgements(
    judgements: Sequence[Judgement], ledger: Ledger, *, whole: bool = False
) -> None:
    """Each verdict with what it rests on; `ledger` has the runs' curves.

    More than a dozen are a line each, the largest gain first, unless they are asked for `whole`.
    """
    if len(judgements) > MANY and not whole:
        return show_lines(judgements)
    out = console()
    watches = stopwatches(ledger, judgements)
    for judgement in judgements:
        c, watch = judgement.comparison, watches[judgement.baseline.config_hash]
        kind = f" ({c.kind})" if c.kind else ""
        colour = COLOURS[c.verdict]
        out.print()
        out.print(
            f"[bold]{escape(c.idea)}[/]  [{colour}]{c.verdict}{kind}[/]  [dim]{c.tier}, "
            f"{count(c.n, 'seed')} against {c.n_baseline}, {judgement.standing.word}, "
            f"{escape(judgement.standing.terms or DEFAULT_TERMS)}[/]"
        )
        out.print(Padding(escape(c.reason), (0, 0, 0, 2)))
        out.print(Padding(_numbers(judgement, price(judgement, watch)), (0, 0, 0, 2)))
        for note in (*notes(judgement), *c.warnings):
            out.print(Padding(f"[yellow]note[/] {escape(note)}", (0, 0, 0, 2)))


def show_lines(judgements: Sequence[Judgement]) -> None:
    """Many verdicts, a line each, and how to see one whole."""
    out = console(NUMBERS + max(len(judgement.comparison.idea) for judgement in judgements))
    verdicts = Counter[str](j.comparison.verdict for j in judgements)
    named = ", ".join(f"{verdicts[word]} {word}" for word in COLOURS if verdicts[word])
    families = sorted({j.comparison.family_size for j in judgements})
    out.print(
        f"{count(len(judgements), 'verdict')}: {named}. p is one-sided, adjusted for a family of "
        f"{' or '.join(f'{size:,}' for size in families)}."
    )
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("arm", "verdict", "seeds", "gain", "95 % CI", "p adj.", "standing"):
        right = name in ("seeds", "gain", "95 % CI", "p adj.")
        fold = "fold" if name == "arm" else "ellipsis"
        table.add_column(name, justify="right" if right else "left", overflow=fold)  # type: ignore[arg-type]
    for judgement in sorted(judgements, key=_gain, reverse=True):
        c, how = judgement.comparison, judgement.measure
        table.add_row(
            escape(c.idea),
            f"[{COLOURS[c.verdict]}]{c.kind or c.verdict}[/]",
            f"{c.n} : {c.n_baseline}",
            gain(c.improvement, how),
            gain_interval(c.ci, how),
            probability(c.p_adjusted),
            judgement.standing.word,
        )
    out.print(table)
    out.print(
        "[dim]One whole: audition verdict ARM. All whole: audition verdict --whole. In other orders, "
        "with prices: audition leaderboard.[/]"
    )


def _gain(judgement: Judgement) -> float:
    gained = judgement.comparison.improvement
    return gained if gained == gained else -math.inf


def _numbers(judgement: Judgement, prices: Sequence[Line]) -> Table:
    c, how, (before, after) = judgement.comparison, judgement.measure, judgement.levels
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()

    def row(name: str, text: str) -> None:
        table.add_row(name, escape(text))

    row(
        how.label,
        f"{levels(before, after, how)}; improvement {gain(c.improvement, how)}, {c.level:.0%} CI "
        f"{gain_interval(c.ci, how)} ({c.design})",
    )
    for name, text in by_other_measures(judgement):
        row(name, text)
    row(
        "effect size",
        f"Cohen's d {signed(c.cohens_d, 2)} {interval(c.cohens_d_ci, 2)}; better on "
        f"{c.wins} of {count(c.n, 'seed')}; same-seed correlation {signed(c.rho, 2)}",
    )
    row(
        "tests",
        f"p one-sided: paired {probability(c.p_paired)}, Welch {probability(c.p_welch)}, "
        f"{c.design} {probability(c.p)}, adjusted for a family of {c.family_size} "
        f"{probability(c.p_adjusted)} ({c.adjustment})",
    )
    if c.seed_rule is not None:
        row("the card's rule", f"improvement > 2σ of baseline and d ≥ 0.5: {_passed(c.seed_rule)}")
    for name, text in prices:
        row(name, text)
    return table


def _passed(rule: SeedRule) -> str:
    if rule.passed is None:
        return "undefined without a spread over seeds"
    said = "passed" if rule.passed else "not passed"
    chance = number(rule.false_pass_rate, ".1%")
    return f"{said}; an idea that does nothing passes it in {chance} of cases"

"""Verdicts in the terminal, each with what it rests on."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from audition.judge import Judgement
from audition.registration import ALPHA
from audition.report.words import (
    UNDEFINED,
    count,
    duration,
    interval,
    number,
    probability,
    signed,
)
from audition.stats import SeedRule

COLOURS = {
    "supported": "bold green",
    "refuted": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
}


def console(columns: int = 100) -> Console:
    """Where answers go: standard output, with so many columns where it is not a terminal."""
    width = None if sys.stdout.isatty() else columns
    return Console(width=width, highlight=False, soft_wrap=False)


def show_judgements(judgements: Sequence[Judgement]) -> None:
    """Each verdict with what it rests on."""
    out = console()
    for judgement in judgements:
        c = judgement.comparison
        kind = f" ({c.kind})" if c.kind else ""
        colour = COLOURS[c.verdict]
        out.print()
        out.print(
            f"[bold]{escape(c.idea)}[/]  [{colour}]{c.verdict}{kind}[/]  [dim]{c.tier}, "
            f"{count(c.n, 'seed')} against {c.n_baseline}, {judgement.standing.word}[/]"
        )
        out.print(Padding(escape(c.reason), (0, 0, 0, 2)))
        out.print(Padding(_numbers(judgement), (0, 0, 0, 2)))
        for note in (*_departures(judgement), *c.warnings):
            out.print(Padding(f"[yellow]note[/] {escape(note)}", (0, 0, 0, 2)))


def _departures(judgement: Judgement) -> list[str]:
    """Why a verdict is exploratory, and the evidence that outlives added seeds."""
    notes = [f"Exploratory: {departure}." for departure in judgement.standing.departures]
    if judgement.e_value is not None:
        notes.append(
            f"e-value {judgement.e_value:.3g}: whenever one looks, at least "
            f"{1 / ALPHA:.0f} rejects 'no gain' at α = {ALPHA:g}."
        )
    return notes


def _numbers(judgement: Judgement) -> Table:
    c, arm, baseline = judgement.comparison, judgement.arm, judgement.baseline
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()

    def row(name: str, text: str) -> None:
        table.add_row(name, escape(text))

    row(
        "validation loss",
        f"{number(c.baseline_mean)} → {number(c.idea_mean)} nats/token; improvement "
        f"{signed(c.improvement)}, {c.level:.0%} CI {interval(c.ci)} ({c.design})",
    )
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
    row(
        "cost",
        f"{duration(baseline.mean('seconds'))} → {duration(arm.mean('seconds'))} a run; "
        f"{number(baseline.mean('tokens'), ',.0f')} → {number(arm.mean('tokens'), ',.0f')} tokens; "
        "forward and backward "
        f"passes {_ratio(arm.mean('forward_passes'), baseline.mean('forward_passes'))} and "
        f"{_ratio(arm.mean('backward_passes'), baseline.mean('backward_passes'))} of the baseline's",
    )
    table.add_row("to settle it", _settle(judgement))
    return table


def _passed(rule: SeedRule) -> str:
    if rule.passed is None:
        return "undefined without a spread over seeds"
    said = "passed" if rule.passed else "not passed"
    chance = number(rule.false_pass_rate, ".1%")
    return f"{said}; an idea that does nothing passes it in {chance} of cases"


def _settle(judgement: Judgement) -> str:
    c = judgement.comparison
    if c.verdict in ("supported", "refuted"):
        return "settled at these seeds; fresh seeds would confirm it"
    if c.seeds_needed is None or judgement.seconds_to_settle is None:
        return "nothing to go by yet"
    more = max(0, c.seeds_needed - c.n)
    return (
        f"a gain of {c.sesoi:.4f} (the smallest that counts) shows with {c.seeds_needed} seeds an "
        f"arm: {more} more, {count(judgement.runs_to_settle or 0, 'run')}, about "
        f"{duration(judgement.seconds_to_settle)} of one worker; these seeds could show "
        f"{number(c.mde)}"
    )


def _ratio(ours: float, theirs: float) -> str:
    return f"{number(ours / theirs, '.2f')} ×" if theirs else UNDEFINED

"""Answers in the terminal: verdicts with what they rest on, and the runs of a ledger."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from audition.judge import Judgement
from audition.ledger import Contents
from audition.record import Record
from audition.report.words import count, duration, interval, probability, signed

COLOURS = {
    "supported": "bold green",
    "refuted": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
}


def console() -> Console:
    """Where answers go: standard output, at least 100 columns wide when it is not a terminal."""
    width = None if sys.stdout.isatty() else 100
    return Console(width=width, highlight=False, soft_wrap=False)


def show_judgements(judgements: Sequence[Judgement]) -> None:
    """Each verdict with what it rests on, the clearest gain first."""
    out = console()
    for judgement in judgements:
        c = judgement.comparison
        kind = f" ({c.kind})" if c.kind else ""
        colour = COLOURS[c.verdict]
        out.print()
        out.print(
            f"[bold]{escape(c.idea)}[/]  [{colour}]{c.verdict}{kind}[/]  [dim]{c.tier}, "
            f"{count(c.n, 'seed')} against {c.n_baseline}[/]"
        )
        out.print(Padding(escape(c.reason), (0, 0, 0, 2)))
        out.print(Padding(_numbers(judgement), (0, 0, 0, 2)))
        for warning in c.warnings:
            out.print(Padding(f"[yellow]note[/] {escape(warning)}", (0, 0, 0, 2)))


def _numbers(judgement: Judgement) -> Table:
    c, arm, baseline = judgement.comparison, judgement.arm, judgement.baseline
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row(
        "validation loss",
        f"{c.baseline_mean:.4f} → {c.idea_mean:.4f} nats/token; improvement "
        f"{signed(c.improvement)}, {c.level:.0%} CI {interval(c.ci)} ({c.design})",
    )
    table.add_row(
        "effect size",
        f"Cohen's d {signed(c.cohens_d, 2)} {interval(c.cohens_d_ci, 2)}; better on "
        f"{c.wins} of {count(c.n, 'seed')}; same-seed correlation {signed(c.rho, 2)}",
    )
    table.add_row(
        "tests",
        f"p one-sided: paired {probability(c.p_paired)}, Welch {probability(c.p_welch)}, "
        f"{c.design} {probability(c.p)}, adjusted for a family of {c.family_size} "
        f"{probability(c.p_adjusted)} ({c.adjustment})",
    )
    if c.seed_rule is not None:
        rule = c.seed_rule
        table.add_row(
            "the card's rule",
            f"improvement > 2σ of baseline and d ≥ 0.5: {'passed' if rule.passed else 'not passed'};"
            f" an idea that does nothing passes it in {rule.false_pass_rate:.1%} of cases",
        )
    table.add_row(
        "cost",
        f"{duration(baseline.mean('seconds'))} → {duration(arm.mean('seconds'))} a run; "
        f"{baseline.mean('tokens'):,.0f} → {arm.mean('tokens'):,.0f} tokens; forward and backward "
        f"passes {_ratio(arm.mean('forward_passes'), baseline.mean('forward_passes'))} and "
        f"{_ratio(arm.mean('backward_passes'), baseline.mean('backward_passes'))} of the baseline's",
    )
    table.add_row("to settle it", _settle(judgement))
    return table


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
        f"{c.mde:.4f}"
    )


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f} ×" if theirs else "–"


def show_runs(records: Sequence[Record]) -> None:
    """A line for every run in the ledger."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name, side in (
        ("arm", "left"),
        ("config", "left"),
        ("seed", "right"),
        ("status", "left"),
        ("val loss", "right"),
        ("bits/byte", "right"),
        ("tokens", "right"),
        ("time", "right"),
        ("started", "left"),
        ("", "left"),
    ):
        table.add_column(name, justify=side)  # type: ignore[arg-type]
    for r in records:
        table.add_row(
            escape(r.arm),
            r.config_hash[:8],
            str(r.seed),
            r.status,
            f"{r.metrics['val_loss']:.4f}" if "val_loss" in r.metrics else "–",
            f"{r.metrics['val_bpb']:.4f}" if "val_bpb" in r.metrics else "–",
            f"{r.tokens:,}",
            duration(r.seconds),
            r.started[:16],
            escape(r.reason),
        )
    console().print(table)


def show_problems(contents: Contents) -> None:
    """Files in the ledger that are not usable records; they are left as they are."""
    for unreadable in contents.unreadable:
        print(f"audition: {unreadable}; it is left out.", file=sys.stderr)

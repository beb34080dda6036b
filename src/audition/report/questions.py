"""Questions of a ledger in the terminal: power, calibration, whether two ideas add up, searches."""

import math
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from audition.answers.calibration import Calibration
from audition.answers.interactions import Crossing
from audition.answers.power import Power
from audition.answers.searches import (
    FLATTERED,
    columns,
    importance_lines,
    kinds,
    rows,
    sentence,
    trial_value,
)
from audition.console import console, table
from audition.records.studies import Account
from audition.stats.calibration import Rate, Replay
from audition.text import (
    UNDEFINED,
    bounds,
    count,
    duration,
    gain,
    in_unit,
    interval,
    plain_level,
    probability,
    signed,
)

WIDTH = 20
"""Columns of a bar."""


def show_power(found: Power) -> None:
    """The answer in a sentence, its noise, and the curve."""
    out, noise, how = console(), found.noise, found.measure
    gained = in_unit(gain(found.gain, how), how)
    if found.seeds_needed is None or found.runs is None or found.seconds is None:
        counts = plain_level(found.sesoi, how)
        why = (
            f"supported takes a gain above the {counts} that counts"
            if found.gain <= found.sesoi
            else "more than 10,000 seeds an arm"
        )
        answer = f"A gain of {gained} is out of reach: {why}."
    else:
        answer = (
            f"A gain of {gained} takes {count(found.seeds_needed, 'seed')} an arm "
            f"to be supported (power {found.power:g}, α {found.alpha:g} {found.sides}-sided, adjusted "
            f"for {count(found.family_size, 'idea')}): "
            f"{count(found.runs, 'run')}, about {duration(found.seconds)} of one worker."
        )
    out.print(Text(answer, "bold"))
    out.print(
        f"[dim]Baseline {found.baseline_hash[:8]}, {escape(how.label)}; seed sd "
        f"{plain_level(noise.sd, how)}, same-seed correlation {signed(noise.rho, 2)}, "
        f"{count(round(noise.df), 'degree')} of freedom ({escape(noise.choice)}).[/]"
    )
    steps = [
        [
            str(step.n),
            probability(step.power),
            _bar(step.power),
            probability(step.power_alone),
            plain_level(step.detectable, how),
            f"{step.runs:,}",
            duration(step.seconds),
        ]
        for step in found.curve
    ]
    curve = table((">seeds", ">power", "", ">alone", ">shows", ">runs", ">time"), steps)
    for row, step in zip(curve.rows, found.curve, strict=True):
        row.style = "bold" if step.n == found.seeds_needed else ""
    out.print(curve)
    out.print(
        f"[dim]power: of “supported”, for a true gain of {gained}; alone: as the only idea. shows: "
        f"the true gain that is supported with power {found.power:g}. runs, time: one new idea, and "
        f"the baseline's seeds that are missing. A gain counts from {plain_level(found.sesoi, how)} "
        "on.[/]"
    )


def _bar(share: float) -> str:
    if math.isnan(share):
        return ""
    eighths = round(share * WIDTH * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def show_calibration(found: Calibration) -> None:
    """One row for each kind of null idea; in each cell measured, 95 % interval, and nominal."""
    out, noise = console(), found.noise
    worth = "one seed sd" if found.sesoi is None else in_unit(f"{found.sesoi:g}", found.measure)
    out.print(
        f"How often ideas that do nothing are called good. Baseline {found.baseline_hash[:8]}: "
        f"{count(found.baseline_seeds, 'seed')}; seed sd {plain_level(noise.sd, found.measure)} "
        f"({found.measure.label}), same-seed correlation "
        f"{signed(noise.rho, 2)} {interval(noise.rho_interval, 2)}; α {found.alpha:g} "
        f"({found.sides}-sided), smallest worthwhile gain {worth}."
    )
    out.print(
        table(
            ("null ideas", ">above zero", ">supported", ">the card's rule"),
            (
                (
                    Text.assemble(f"\n{line.label}\n", (_counted(line.replay), "dim")),
                    *map(_cell, line.replay.rates),
                )
                for line in found.lines
            ),
        )
    )
    for reason in found.missing:
        out.print(f"[dim]not tried, {escape(reason)}[/]")
    out.print(
        "[dim]% measured [95 % interval], of nominal; ≤: at most, as “supported” asks for the "
        "smallest worthwhile gain besides an interval above zero. Independent trials have Wilson's "
        "interval, overlapping ones Hoeffding's, which holds whatever the overlap.[/]"
    )


def _counted(replay: Replay) -> str:
    kind = "verdict" if replay.design == "campaign" else "split"
    if replay.trials == replay.independent:
        return count(replay.trials, "independent trial" if kind == "split" else kind)
    every = "all " if replay.every else ""
    worth = count(int(replay.independent), "independent one")
    return f"{every}{count(replay.trials, kind)}, worth {worth}"


def _cell(rate: Rate) -> Text:
    low, high = rate.interval
    digits = 0 if high - low > 0.1 else 1  # no more digits than the interval supports
    measured, low_text, high_text = (f"{100 * x:.{digits}f}" for x in (rate.measured, low, high))
    nominal = UNDEFINED if math.isnan(rate.nominal) else f"{100 * rate.nominal:.1f}"
    most = "≤ " if rate.at_most else ""
    said = f"\n{measured} [{low_text}, {high_text}]\n"
    return Text.assemble(said, (f"of {most}{nominal}", "dim"))


def show_crossing(crossing: Crossing) -> None:
    """Whether two ideas add up, their gains apart and together, and the contrast of them."""
    out, found, how = console(), crossing.found, crossing.baseline.measure
    seeds = ", ".join(map(str, found.seeds))
    names = f"{crossing.first.name} × {crossing.second.name}"
    out.print(Text.assemble((names, "bold"), ": ", crossing.sentence))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(justify="right")
    facts.add_column()
    for name, gained in (
        (crossing.first.name, found.first),
        (crossing.second.name, found.second),
        (crossing.both.name, found.both),
    ):
        facts.add_row(escape(name), gain(gained, how), f"{how.unit} gained".strip())
    noise = "noise of all arms" if found.design == "block" else "noise of these four arms"
    facts.add_row(
        "interaction",
        gain(found.contrast, how),
        f"{found.level:.0%} interval {bounds(found.ci, how)}, p {probability(found.p)} two-sided "
        f"({noise}, {count(round(found.df), 'degree')} of freedom)",
    )
    out.print(facts)
    out.print(
        Text(
            f"Baseline {crossing.baseline.config_hash[:8]}, {how.label}, "
            f"{count(len(found.seeds), 'shared seed')} ({seeds}).",
            "dim",
        )
    )


def show_search(account: Account) -> None:
    """One search in the terminal."""
    out, trials = console(), rows(account)
    out.print(Text.assemble((account.name, "bold"), "  ", sentence(account)))
    out.print(table(columns(account), trials) if trials else "No trial is whole yet.")
    if len(account.objectives) > 1:
        numbers = ", ".join(str(trial.number) for trial in account.front())
        out.print(f"On the front: {numbers or 'none'}")
    for group, shares in importance_lines(account):
        out.print(Text.assemble(("what mattered ", "dim"), f"{group}: {shares}"))
    if trials:
        out.print(Text(FLATTERED, "dim"))


def show_searches(accounts: Sequence[Account]) -> None:
    """Every search, a line each."""
    lines = (
        (
            account.name,
            f"{len(account.trials)}: {kinds(account)}",
            trial_value(account, next(iter(account.whole), None)),
            trial_value(account, account.default),
        )
        for account in accounts
    )
    console().print(table((">study", "trials", "best", "default"), lines))

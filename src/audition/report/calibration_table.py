"""Calibration in the terminal: measured beside nominal, with what each interval counts."""

from rich.markup import escape
from rich.table import Table

from audition.answers.calibration import Calibration
from audition.console import console
from audition.stats.calibration import Rate, Replay
from audition.text import count, in_unit, interval, plain_level, signed


def show_calibration(found: Calibration) -> None:
    """One row for each kind of null idea; in each cell measured, 95 % interval, and nominal."""
    out, noise = console(), found.noise
    worth = "one seed sd" if found.sesoi is None else in_unit(f"{found.sesoi:g}", found.measure)
    out.print(
        f"How often ideas that do nothing are called good. Baseline {found.baseline_hash[:8]}: "
        f"{count(found.baseline_seeds, 'seed')}; seed sd {plain_level(noise.sd, found.measure)} "
        f"({found.measure.label}), same-seed correlation "
        f"{signed(noise.rho, 2)} {interval(noise.rho_interval, 2)}; α {found.alpha:g}, smallest "
        f"worthwhile gain {worth}."
    )
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 1))
    table.add_column("null ideas")
    for name in ("p ≤ α", "supported", "the card's rule"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in found.lines:
        replay = line.replay
        table.add_row()
        table.add_row(
            f"{escape(line.label)}\n[dim]{_counted(replay)}[/]", *map(_cell, replay.rates)
        )
    out.print(table)
    for reason in found.missing:
        out.print(f"[dim]not tried, {escape(reason)}[/]")
    out.print(
        "[dim]% measured [95 % interval], of nominal; ≤: at most, as “supported” asks for the "
        "smallest worthwhile gain besides p ≤ α. Independent trials have Wilson's interval, "
        "overlapping ones Hoeffding's, which holds whatever the overlap.[/]"
    )


def _counted(replay: Replay) -> str:
    kind = "verdict" if replay.design == "campaign" else "split"
    if replay.trials == replay.independent:
        return count(replay.trials, "independent trial" if kind == "split" else kind)
    every = "all " if replay.every else ""
    worth = count(int(replay.independent), "independent one")
    return f"{every}{count(replay.trials, kind)}, worth {worth}"


def _cell(rate: Rate) -> str:
    low, high = (f"{100 * bound:.{_digits(rate)}f}" for bound in rate.interval)
    measured = f"{100 * rate.measured:.{_digits(rate)}f}"
    nominal = "–" if rate.nominal != rate.nominal else f"{100 * rate.nominal:.1f}"
    return f"{measured} [{low}, {high}]\n[dim]of {'≤ ' if rate.at_most else ''}{nominal}[/]"


def _digits(rate: Rate) -> int:
    """Decimals that the interval leaves any meaning."""
    return 0 if rate.interval[1] - rate.interval[0] > 0.1 else 1

"""Power in the terminal: the answer in a sentence, its noise, and the curve."""

import math

from rich.markup import escape
from rich.table import Table

from audition.answers.power import Power
from audition.console import console
from audition.text import count, duration, gain, in_unit, plain_level, probability, signed

WIDTH = 20


def show_power(found: Power) -> None:
    """The answer in a sentence, its noise, and the curve."""
    out, noise, how = console(), found.noise, found.measure
    gained = in_unit(gain(found.gain, how), how)
    if found.seeds_needed is None:
        answer = f"A gain of {gained} is out of reach: more than 10,000 seeds an arm."
    else:
        assert found.runs is not None
        assert found.seconds is not None
        answer = (
            f"A gain of {gained} takes {count(found.seeds_needed, 'seed')} an arm "
            f"(power {found.power:g}, one-sided α {found.alpha:g}): "
            f"{count(found.runs, 'run')}, about {duration(found.seconds)} of one worker."
        )
    out.print(f"[bold]{escape(answer)}[/]")
    out.print(
        f"[dim]Baseline {found.baseline_hash[:8]}, {escape(how.label)}; seed sd "
        f"{plain_level(noise.sd, how)}, same-seed correlation "
        f"{signed(noise.rho, 2)}, {noise.df:.0f} degrees of freedom ({escape(noise.choice)}).[/]"
    )
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2))
    for name in (
        "seeds",
        "power",
        "",
        f"in a family of {found.family_size:,}",
        "shows",
        "runs",
        "time",
    ):
        table.add_column(name, justify="left" if not name else "right")
    for step in found.curve:
        style = "bold" if step.n == found.seeds_needed else ""
        table.add_row(
            str(step.n),
            probability(step.power),
            _bar(step.power),
            probability(step.power_in_family),
            plain_level(step.detectable, how),
            f"{step.runs:,}",
            duration(step.seconds),
            style=style,
        )
    out.print(table)
    out.print(
        f"[dim]shows: the gain that this many seeds show with power {found.power:g}. runs, time: "
        "one new idea, and the baseline's seeds that are missing. “Supported” also asks that the "
        "measured gain reach the smallest worthwhile one.[/]"
    )


def _bar(share: float) -> str:
    if math.isnan(share):
        return ""
    eighths = round(share * WIDTH * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()

"""Loss spikes in the terminal: a table of arms, and how to read it."""

import math
from collections.abc import Sequence

from rich.text import Text

from audition.answers.spikes import ArmSpikes
from audition.console import console, table
from audition.text import UNDEFINED, signed

SPIKES = (
    "arm",
    "replaced by",
    ">σ",
    ">units",
    ">events",
    ">spike",
    ">95 %",
    ">largest",
    ">back in",
)
READING = (
    "spike: mean rise, in nats, of the plain cross-entropy on a few rows that no step trains on, from "
    "just before an event's weights are rewritten to just after; the interval is over seeds. back in: "
    "the median of the steps until the loss was not above that again, looked at after 1, 2, 4, …; "
    "where fewer than half were back before the next event, how many. σ: noise on a child's row, in "
    "root mean squares of it. units: of all layers, at an event."
)


def spike_rows(arms: Sequence[ArmSpikes]) -> list[tuple[str, ...]]:
    """A row an arm."""
    return [
        (
            each.arm,
            each.rule.parents or UNDEFINED,
            UNDEFINED if each.rule.sigma is None else f"{each.rule.sigma:.2g}",
            UNDEFINED if math.isnan(each.rule.units) else f"{each.rule.units:.0f}",
            str(len(each.every)),
            signed(each.size, 4),
            _interval(each),
            signed(max(spike.size for spike in each.every), 4),
            f"{each.typical:g}"
            if math.isfinite(each.typical)
            else f"{each.back} of {len(each.every)}",
        )
        for each in arms
    ]


def show_spikes(arms: Sequence[ArmSpikes]) -> None:
    """The arms in the terminal, the smallest mean spike first."""
    out = console(140)
    out.print(table(SPIKES, spike_rows(arms)))
    out.print(Text(READING, "dim"))


def _interval(each: ArmSpikes) -> str:
    low, high = each.interval()
    return UNDEFINED if math.isnan(low) else f"{signed(low, 4)} to {signed(high, 4)}"

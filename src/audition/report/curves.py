"""Learning curves of any arms: a line of blocks a run in the terminal, or all in one figure."""

import math
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audition.answers.arm_curves import ArmCurves
from audition.answers.curves import Curve
from audition.console import console, table
from audition.text import axis, number, plain_level

BLOCKS = "▁▂▃▄▅▆▇█"
COLUMNS = 40


def show_curves(found: Sequence[ArmCurves]) -> None:
    """A row a run: its curve on the scale of all runs of the metric, its first and its last value."""
    console(120).print(_table(found))


def curves_text(found: Sequence[ArmCurves]) -> str:
    """The same as text."""
    out = Console(width=120, file=StringIO())
    out.print(_table(found))
    text = out.file.getvalue()  # type: ignore[attr-defined] # the StringIO of the line above
    return "\n".join(line.rstrip() for line in text.splitlines())


def _table(found: Sequence[ArmCurves]) -> Table:
    scale = _scales(found)
    rows = [
        (
            arm.arm,
            str(seed),
            axis(arm.measure),
            blocks(curve, scale[arm.metric]),
            plain_level(curve.values[0], arm.measure),
            plain_level(curve.values[-1], arm.measure),
            f"{number(curve.units[-1], ',d')} {arm.unit}",
        )
        for arm in found
        for seed, curve in arm.curves.items()
    ]
    return table(("arm", ">seed", "metric", "curve", ">first", ">last", ">after"), rows)


def blocks(curve: Curve, scale: tuple[float, float], columns: int = COLUMNS) -> str:
    """The curve as characters, each the mean of its stretch of units; × where it diverged."""
    low, high = scale
    first, last = curve.units[0], curve.units[-1]
    cells: list[list[float]] = [[] for _ in range(min(columns, len(curve.units)))]
    for units, value in zip(curve.units, curve.values, strict=True):
        share = (units - first) / (last - first) if last > first else 0.0
        cells[min(len(cells) - 1, int(share * len(cells)))].append(value)
    drawn = ""
    for cell in cells:
        mean = math.fsum(cell) / len(cell) if cell else math.nan
        if math.isfinite(mean):
            place = (mean - low) / (high - low) if high > low else 0.5
            drawn += BLOCKS[min(len(BLOCKS) - 1, int(place * len(BLOCKS)))]
        else:
            drawn += "×" if cell else " "
    return drawn


def _scales(found: Sequence[ArmCurves]) -> Mapping[str, tuple[float, float]]:
    """Metric -> the least and the largest finite value of all its curves."""
    values: dict[str, list[float]] = {}
    for arm in found:
        for curve in arm.curves.values():
            values.setdefault(arm.metric, []).extend(filter(math.isfinite, curve.values))
    return {
        metric: (min(all_, default=0.0), max(all_, default=0.0)) for metric, all_ in values.items()
    }


def write_curves(found: Sequence[ArmCurves], path: Path) -> None:
    """Write the figure as its suffix says; AuditionError for another kind of file or a full disk."""
    from audition.report.figures.learning import arm_curves_figure
    from audition.report.style import write_figure

    write_figure(arm_curves_figure(found), path)

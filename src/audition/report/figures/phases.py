"""A stream's figures: the matrix R of each arm, and how each phase is forgotten by the next ones."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from audition.answers import Judgement
from audition.labels import labels
from audition.measure import Measure
from audition.records.record import Record
from audition.report.figures.drawing import headline, panels, say
from audition.report.style import INK, LINE, MUTED, ON_CELL, SMALL, WIDTH, styled
from audition.text import axis, capital

CELLS = "YlGnBu"
MOST = 10  # phases whose numbers are legible


def matrices(judgements: Sequence[Judgement]) -> Mapping[str, NDArray[np.float64]]:
    """Arm -> R [K + 1, K] of its stream, the mean over its finished runs; the baseline first.

    Empty where the runs were no streams.
    """
    if not judgements:
        return {}
    runs = {"baseline": judgements[0].baseline.records}
    runs |= {j.comparison.idea: j.arm.records for j in judgements}
    found = {}
    for arm, records in runs.items():
        whole = [each for r in records if (each := _of(r)) is not None]
        if whole and len({each.shape for each in whole}) == 1:
            found[arm] = np.mean(whole, axis=0)
    return found if len({each.shape for each in found.values()}) == 1 else {}


def _of(record: Record) -> NDArray[np.float64] | None:
    matrix = np.array(record.matrices.get(record.primary, ()), dtype=np.float64)
    finished = record.status == "finished" and matrix.ndim == 2
    return matrix if finished and matrix.shape[0] == matrix.shape[1] + 1 > 2 else None


def measure_of(judgements: Sequence[Judgement]) -> Measure:
    """The measure that R is of: the primary one of the task."""
    record = judgements[0].baseline.records[0]
    return record.measure(record.primary)


@styled
def accuracy_matrix(judgements: Sequence[Judgement]) -> Figure:
    """A panel an arm: a row after each phase (the first before training), a column on each phase."""
    found, how = matrices(judgements), measure_of(judgements)
    low = min(float(each.min()) for each in found.values())
    high = max(float(each.max()) for each in found.values())
    phases = next(iter(found.values())).shape[1]
    caption = (
        f"{capital(axis(how))} on each phase (column) after each phase (row), the mean of the "
        "finished seeds of an arm; row 0 is the untrained model. Below the diagonal is what is "
        "left of earlier phases."
    )
    tall = 3.4
    page, corners = panels(
        "Phases: what is left of each after the next ones", caption, len(found), tall
    )
    names = labels(list(found))
    for (x, y), name, table in zip(corners, names, found.values(), strict=True):
        axes = page.axes(x + 0.55, y + 0.35, WIDTH / 2 - 0.9, tall - 1.0)
        edges = np.arange(phases + 1.0) + 0.5, np.arange(phases + 2.0) - 0.5
        axes.pcolormesh(*edges, table, cmap=CELLS, vmin=low, vmax=low + 1.5 * (high - low))
        axes.set(ylim=(phases + 0.5, -0.5), xticks=range(1, phases + 1))
        axes.set_yticks(range(phases + 1))
        axes.tick_params(length=0)
        axes.set_xlabel("on phase", size=SMALL)
        axes.set_ylabel("after phase", size=SMALL)
        headline(axes, name)
        for row, column in np.ndindex(*table.shape):
            if phases <= MOST:
                look = {"weight": "bold"} if row == column + 1 else {}
                value = f"{table[row, column]:.{0 if high >= 10 else 2}f}"
                say(axes, column + 1, row, value, "data", ha="center", color=ON_CELL, **look)
    return page.figure


@styled
def forgetting_curves(judgements: Sequence[Judgement]) -> Figure:
    """A panel an arm: a line for each phase, from its own end to the end of the stream."""
    found, how = matrices(judgements), measure_of(judgements)
    phases = next(iter(found.values())).shape[1]
    caption = (
        f"{capital(axis(how))} on each phase from its end on, the mean of the finished seeds of an "
        "arm; the dark line is the mean of the phases so far. A level line forgets nothing."
    )
    tall = 2.7
    page, corners = panels("Forgetting: each phase after the next ones", caption, len(found), tall)
    # What is drawn alone: before its phase a model answers by chance.
    drawn = np.tri(phases, dtype=bool)
    values = np.concatenate([each[1:][drawn] for each in found.values()])
    margin = 0.05 * (float(np.ptp(values)) or 1.0)
    for (x, y), name, table in zip(corners, labels(list(found)), found.values(), strict=True):
        axes = page.axes(x + 0.65, y + 0.45, WIDTH / 2 - 1.2, tall - 1.0)
        after = np.arange(1, phases + 1)
        for phase in after:
            line = table[phase:, phase - 1]
            axes.plot(after[phase - 1 :], line, color=LINE, lw=1.2, marker="o", ms=3.5, mfc=MUTED)
            say(axes, phase, line[0] + margin / 2, str(phase), "data", ha="center", va="bottom")
        mean = [float(table[p, :p].mean()) for p in after]
        axes.plot(after, mean, color=INK, lw=2.0)
        axes.set(xlim=(0.7, phases + 0.3), xticks=after)
        axes.set_ylim(float(values.min()) - margin, float(values.max()) + 2.5 * margin)
        axes.set_xlabel("after phase", size=SMALL)
        headline(axes, name)
    return page.figure

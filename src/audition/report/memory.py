"""The archive of a run's weights, as a table and as a figure."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from audition.console import console, table
from audition.records.archive import Archive, Point
from audition.report.figures.drawing import mark
from audition.report.style import INK, MUTED, VERDICT, WIDTH, nothing, sheet, styled, write_figure
from audition.text import axis, count, plain_level

HEIGHT = 4.2


def show_archive(archive: Archive, chosen: Point | None, unit: str) -> None:
    """A line a point, the least complex first, with what it is."""
    out = console()
    rows = [
        (
            str(p.step),
            f"{p.units:,}",
            f"{p.complexity:.4g}",
            plain_level(p.value, archive.measure),
            f"{p.size / 1e6:.3g}" if p.file else "made way",
            _roles(archive, p, chosen),
        )
        for p in archive.points
    ]
    heads = (">step", f">{unit}", ">complexity", f">{axis(archive.measure)}", ">MB", "")
    out.print(table(heads, rows))
    kept = count(len(archive.stored), "set")
    out.print(
        f"{kept} of weights, {archive.kept_bytes / 1e6:.3g} MB; complexity is {archive.complexity}."
    )


def _roles(archive: Archive, point: Point, chosen: Point | None) -> str:
    if not point.file:
        return ""
    roles = {"knee": archive.knee(), "best": archive.best(), "least": archive.stored[0]}
    named = [role for role, own in roles.items() if own == point]
    return ", ".join([*named, *(["chosen"] if point == chosen else [])])


def draw_archive(archive: Archive, path: Path, run: str, chosen: Point | None) -> None:
    """Draw it to a file; AuditionError where that is no kind of figure, or cannot be written."""
    write_figure(archive_figure(archive, run, chosen), path)


@styled
def archive_figure(archive: Archive, run: str, chosen: Point | None) -> Figure:
    """Loss against complexity: the points, joined as steps, filled where their weights are kept."""
    title = f"What {run} keeps"
    if not archive.points:
        return nothing(title, "No evaluation has been kept yet.")
    page = sheet(title, _caption(archive), height=HEIGHT)
    axes = page.axes(1.0, 0.65, WIDTH - 1.4, HEIGHT - 0.85)
    axes.set_xlabel(f"complexity: {archive.complexity}")
    axes.set_ylabel(axis(archive.measure))
    axes.step(*_places(archive.points), where="post", color=MUTED, lw=1.2, gid="front")
    gone = [p for p in archive.points if not p.file]
    axes.scatter(*_places(gone), s=36, facecolor="none", edgecolor=MUTED, gid="made-way")
    mark(axes, *_places(archive.stored), VERDICT["inconclusive"], 60, gid="stored", zorder=4)
    if chosen is not None:
        axes.scatter(
            [chosen.complexity], [chosen.value], s=150, facecolor="none", edgecolor=INK, lw=1.4,
            gid="chosen", zorder=5,
        )  # fmt: skip
        axes.annotate(
            f"step {chosen.step:,}",
            (chosen.complexity, chosen.value),
            xytext=(9, 9),
            textcoords="offset points",
        )
    axes.margins(0.08)
    return page.figure


def _places(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [p.complexity for p in points], [p.value for p in points]


def _caption(archive: Archive) -> str:
    gone = len(archive.points) - len(archive.stored)
    way = f" Hollow: {gone} whose weights made way for others." if gone else ""
    return (
        f"{count(len(archive.points), 'evaluation')} that no other one beats in both complexity and "
        f"{archive.measure.label}, n = 1 run. Filled: their weights are kept.{way} Ringed: the chosen "
        "one."
    )

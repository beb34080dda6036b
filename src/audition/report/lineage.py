"""A run's lineage in the terminal and on the page: what happened to its units, in words and tables."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup
from rich.text import Text

from audition.answers import ArmRuns
from audition.answers.lineage.measures import summary
from audition.answers.lineage.read import units_or_none
from audition.answers.specialization import specialization
from audition.console import console, table
from audition.errors import AuditionError
from audition.records.store import Ledger
from audition.report.gallery import Picture, draw_careers, draw_lineage, embedded
from audition.report.specialization import (
    RESPONSES,
    SPREAD,
    career_lines,
    class_line,
    response_rows,
)
from audition.report.specialization import layer_rows as spread_rows
from audition.text import UNDEFINED, count, number, signed

MOST = ("unit", "layer", "born", "died", ">descendants")
LAYERS = ("layer", ">units", ">dynasties", ">effective", ">largest")


@dataclass(frozen=True)
class Listed:
    """A table of the page."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    @classmethod
    def of(cls, headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> "Listed":
        """One with the headings of a terminal's table."""
        return cls(tuple(heading.removeprefix(">") for heading in headings), rows)


@dataclass(frozen=True)
class UnitFacts:
    """What the page shows of the units of one arm."""

    name: str  # of the arm
    shown: str  # the run whose figures these are, and how many others have any
    lines: Sequence[str]
    tables: Sequence[Listed]
    pictures: tuple[Picture, ...]
    figures: tuple[Markup, ...]  # the same, as elements of the page


def unit_facts(ledger: Ledger, arms: Iterable[ArmRuns], folder: Path) -> list[UnitFacts]:
    """Of each arm whose runs wrote anything of their units, the first seed's, drawn into `folder`.

    A damaged file is left out. Raises AuditionError where the folder cannot be written.
    """
    found = []
    for arm in arms:
        units = {}
        for record in sorted(arm.records, key=lambda record: record.seed):
            with suppress(AuditionError):
                if (each := units_or_none(ledger, record)) is not None:
                    units[record.seed] = each
        if not units:
            continue
        seed, first = next(iter(units.items()))
        name, others = f"{arm.name}/{seed}", len(units) - 1
        lines: list[str] = []
        tables: list[Listed] = []
        pictures: tuple[Picture, ...] = ()
        if first.family is not None:
            told = summary(first.family)
            lines += [sentence(told), *survival_lines(told), foretold_line(told)]
            tables.append(Listed.of(LAYERS, layer_rows(told)))
            pictures = draw_lineage(folder, f"{arm.config_hash[:8]}-{name}", first.family)
        if first.careers:
            told = specialization(first.careers, first.family)
            lines += [class_line(told), *career_lines(told)]
            tables.append(Listed.of(SPREAD, spread_rows(told)))
            tables.append(Listed.of(RESPONSES, response_rows(told)))
            run = f"{arm.config_hash[:8]}-{name}"
            pictures = (*pictures, *draw_careers(folder, run, first.careers))
        more = f"; {count(others, 'other run')} of the arm wrote of its units too" if others else ""
        shown = f"Seed {seed}{more} (audition lineage {name})."
        figures = embedded(folder, pictures)
        found.append(UnitFacts(arm.name, shown, lines, tables, pictures, figures))
    return found


def sentence(found: Mapping[str, Any]) -> str:
    """`16 events from step 20 to 340: 624 units were born, all of them of parents.`"""
    steps, born, bred = found["steps"], found["born"], found["with_parents"]
    when = f"from step {steps[0]:,} to {steps[-1]:,}" if len(steps) > 1 else f"at step {steps[0]:,}"
    of = "all of them of parents" if bred == born else f"{bred:,} of them of parents"
    since = f" The log begins at step {found['since']:,}." if found["since"] else ""
    changed = f"{count(born, 'unit')} born, {of}, and {found['died']:,} died"
    return f"{count(len(steps), 'event')} {when}: {changed}.{since}"


def foretold_line(found: Mapping[str, Any]) -> str:
    """Whether fitness foretold descendants, as a sentence."""
    told = found["fitness_and_descendants"]
    at_once, later = (_or_dash(told[name]) for name in ("at_once", "later"))
    return (
        f"Fitness just before an event and descendants from then on: rank correlation {at_once}; with "
        f"descendants of later events alone {later} (mean of {count(told['events'], 'event')} of a "
        "layer). Where the fittest become parents, the first is so by design."
    )


def layer_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """How the living units of each layer are shared among dynasties at the end."""
    return [
        (
            each["site"],
            f"{each['units']:,}",
            f"{each['dynasties']:,}",
            number(each["effective"], ".1f"),
            f"{each['largest']:.1%}",
        )
        for each in found["dominance"]
    ]


def unit_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The units with the most descendants."""
    return [
        (
            str(each["unit"]),
            each["site"],
            f"{each['born']:,}",
            UNDEFINED if each["died"] is None else f"{each['died']:,}",
            f"{each['descendants']:,}",
        )
        for each in found["most_descendants"]
    ]


def survival_lines(found: Mapping[str, Any]) -> Sequence[str]:
    """For each group how many died, and the age that half of it reached."""
    lines = []
    for each in found["survival"]:
        half = next((a for a, s in zip(each["ages"], each["alive"], strict=True) if s <= 0.5), None)
        reached = "more than half live on" if half is None else f"half died by age {half:,}"
        lines.append(
            f"{each['group']}: {each['units']:,} units, {each['deaths']:,} died, {reached}"
        )
    return lines


def show_lineage(name: str, found: Mapping[str, Any]) -> None:
    """One run's lineage in the terminal."""
    out = console()
    out.print(Text.assemble((name, "bold"), "  ", sentence(found)))
    out.print(table(LAYERS, layer_rows(found)))
    out.print(
        Text(
            "effective: as many equal dynasties would be as mixed (1 / Σ share²); a dynasty is a unit "
            "that was drawn, and what descends from it.",
            "dim",
        )
    )
    if rows := unit_rows(found):
        out.print(table(MOST, rows))
    for line in survival_lines(found):
        out.print(Text(line))
    out.print(Text(foretold_line(found)))


def _or_dash(value: float) -> str:
    return UNDEFINED if value != value else signed(value, 2)

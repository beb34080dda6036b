"""`lineage.jsonl`: which units of a run died, and which were made of which; its only reader."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from audition.errors import AuditionError
from audition.plain_file import read_text
from audition.records.codec import parsed, read

FILE = "lineage.jsonl"

Ids = tuple[int, ...]
Living = Mapping[str, Ids]
"""Site -> the ids of its units, by slot."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one event did at a site: a line of the file.

    Units are named by ids, each of one unit of the run for ever. A slot is the place of a unit in
    its site just before the event; units that are added come after the last.
    """

    step: int
    site: str
    strategy: str = ""
    born: Ids = ()
    slots: Ids = ()  # of those born
    parents: tuple[Ids, ...] = ()  # of each born, none where it was drawn anew
    died: Ids = ()  # replaced in their slots, or taken out
    facts: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)  # of each born
    fitness: tuple[float | None, ...] = ()  # of the units just before, by slot; () if not measured

    def after(self, before: Ids) -> Ids:
        """The ids of the site after the event, by slot.

        Raises AuditionError where it could not have happened to `before`.
        """
        at, gone = dict(zip(self.slots, self.born, strict=True)), {*self.died}
        if len(at) < len(self.born) or not gone <= {*before}:
            raise AuditionError(f"names slots twice, or dead units that were not in {self.site}")
        if lost := {j for j in at if j < len(before)} - {
            j for j, i in enumerate(before) if i in gone
        }:
            raise AuditionError(f"puts units into slots {sorted(lost)} of {self.site}, not empty")
        stay = [at.get(j, i) for j, i in enumerate(before) if j in at or i not in gone]
        return (*stay, *(at[j] for j in sorted(at) if j >= len(before)))


@dataclass(frozen=True)
class Lineage:
    """All that happened to the units of a run: an append-only log, which replays to who lives.

    Raises AuditionError where that is not possible: an id of two units, or a parent that was dead.
    """

    founders: Living  # when the log begins
    since: int = 0  # the step after which it begins
    turns: tuple[Turn, ...] = ()

    def __post_init__(self) -> None:
        for _ in self.replay():
            pass

    @classmethod
    def begin(cls, counts: Mapping[str, int], since: int = 0) -> "Lineage":
        """A log without events, of sites with so many units."""
        founders, first = {}, 0
        for site, count in counts.items():
            founders[site] = tuple(range(first, first + count))
            first += count
        return cls(founders, since)

    def replay(self) -> Iterator[tuple[Turn, Living]]:
        """Each event with the units that live after it, of all sites."""
        living = dict(self.founders)
        used = {i for ids in living.values() for i in ids}
        for turn in self.turns:
            if turn.site not in living:
                raise AuditionError(f"has an event of {turn.site}, which has no units")
            if used & {*turn.born} or len({*turn.born}) < len(turn.born):
                raise AuditionError(f"gives an id to two units at step {turn.step}")
            alive = {i for ids in living.values() for i in ids}
            if orphans := {p for each in turn.parents for p in each} - alive:
                raise AuditionError(f"has parents {sorted(orphans)} that do not live")
            used |= {*turn.born}
            living[turn.site] = turn.after(living[turn.site])
            yield turn, dict(living)

    @cached_property
    def living(self) -> Living:
        """The units after the last event."""
        return [self.founders, *(living for _, living in self.replay())][-1]

    @cached_property
    def next_id(self) -> int:
        """The first id that no unit has."""
        ids = (i for ids in self.founders.values() for i in ids)
        born = (i for turn in self.turns for i in turn.born)
        return max((*ids, *born), default=-1) + 1

    def up_to(self, step: int) -> "Lineage":
        """The log without what came after `step`."""
        turns = tuple(turn for turn in self.turns if turn.step <= step)
        return Lineage(self.founders, self.since, turns)

    def lines(self) -> Iterator[str]:
        """The lines of the file."""
        yield head_line(self.founders, self.since)
        yield from map(turn_line, self.turns)


def numbered(
    before: Ids,
    next_id: int,
    *,
    step: int,
    site: str,
    strategy: str,
    born: Sequence[int],
    parents: Sequence[Sequence[int]],
    removed: Sequence[int],
    grown: int,
    facts: Mapping[str, Sequence[float]],
    fitness: Sequence[float],
) -> Turn:
    """An event in ids: what the log says of one that names units by their slots.

    before: ids of the site by slot. grown: units after it grew. A unit that was added without being
    born has no parents, and a negative parent is none.
    """
    added = [slot for slot in range(len(before), grown) if slot not in set(born)]
    slots = (*born, *added)
    gone = {j for j in (*born, *removed) if j < len(before)}
    return Turn(
        step=step,
        site=site,
        strategy=strategy,
        born=tuple(range(next_id, next_id + len(slots))),
        slots=slots,
        parents=(
            *(tuple(before[j] for j in each if j >= 0) for each in parents),
            *(() for _ in added),
        ),
        died=tuple(before[j] for j in sorted(gone)),
        facts={
            name: (*map(_short, values), *(None for _ in added)) for name, values in facts.items()
        },
        fitness=tuple(map(_short, fitness)),
    )


def head_line(founders: Living, since: int) -> str:
    """The first line: how many units each site has, whose ids count up from 0."""
    return json.dumps({"since": since, "sites": {site: len(ids) for site, ids in founders.items()}})


def turn_line(turn: Turn) -> str:
    """The line of an event; what it does not have is left out."""
    return json.dumps(
        {name: value for name, value in asdict(turn).items() if value or name == "step"}
    )


def read_lineage(folder: Path) -> Lineage | None:
    """The log of the run in `folder`; None where it has none.

    A last line that is still being written is left out. Raises AuditionError for a damaged file.
    """
    path = folder / FILE
    try:
        texts = read_text(path).splitlines(keepends=True)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise AuditionError(f"{path} cannot be read ({error})") from None
    whole = [text for text in texts if text.endswith("\n")]
    if not whole:
        return None
    try:
        head = parsed(whole[0])
        begun = Lineage.begin({str(s): int(n) for s, n in head["sites"].items()}, head["since"])
        turns = tuple(read(Turn, parsed(text)) for text in whole[1:])
        return Lineage(begun.founders, begun.since, turns)
    except AuditionError as error:
        raise AuditionError(f"{path} {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise AuditionError(f"{path} was not written by Audition") from None


def _short(value: float) -> float | None:
    """Four digits, which say enough of a fitness; None for what is not finite."""
    return float(f"{value:.4g}") if abs(value) < float("inf") else None

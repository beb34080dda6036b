"""The archive of a run's evaluations that no other one beats in both complexity and loss."""

import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from audition.errors import AuditionError
from audition.measure import Measure
from audition.plain_file import Unreadable, read_bytes, read_file, write_whole
from audition.records.codec import parsed, read

FOLDER, FILE = "memory", "memory.json"
SCHEMA = 1
DISTANCE = "distance from the first weights"
"""What complexity is where no effect meters it: ‖w - w₀‖² / ‖w₀‖²."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One evaluation, and where the weights that it saw are kept."""

    step: int
    units: int
    complexity: float
    value: float  # of the measure, in its own direction
    file: str = ""  # in the archive's folder; empty once they made way for others
    size: int = 0  # of the file [bytes]
    check: int = 0  # CRC-32 of the file


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Points in the order of their complexity, none of which beats another.

    A point beats another that it equals or betters in both complexity and loss, and betters in one.
    """

    metric: str = "val_loss"  # as records name it
    measure: Measure = field(default_factory=lambda: Measure("validation loss", ""))
    complexity: str = DISTANCE  # or the meter that it is read from
    points: tuple[Point, ...] = ()
    schema: int = SCHEMA

    def loss(self, point: Point) -> float:
        """The point's value as one that is better when lower."""
        return self.measure.as_loss(point.value)

    def beats(self, one: Point, other: Point) -> bool:
        """Whether `one` makes `other` superfluous."""
        own, its = ((p.complexity, self.loss(p)) for p in (one, other))
        return own[0] <= its[0] and own[1] <= its[1] and own != its

    def with_point(self, new: Point) -> "Archive":
        """This archive after another evaluation; one of the same step is replaced.

        A point that is not finite is left out.
        """
        if not (math.isfinite(new.complexity) and math.isfinite(new.value)):
            return self
        others = [p for p in self.points if p.step != new.step]
        if not any(self.beats(p, new) for p in others):
            others = [*(p for p in others if not self.beats(new, p)), new]
        order = sorted(others, key=lambda p: (p.complexity, self.loss(p), p.step))
        return replace(self, points=tuple(order))

    def within(self, most: float) -> "Archive":
        """This archive with no more than `most` bytes of weights: others make way, never their points.

        First goes the one whose loss leaves the smallest gap, the area between its neighbours that it
        alone covers; the ends and the knee only after all others, the best loss last.
        """
        kept = self
        while kept.kept_bytes > most and kept.stored:
            places = kept.stored
            last = min(places, key=kept.loss)
            ends = (places[0], places[-1], kept.knee())
            inner = [p for p in places if p not in ends] or [p for p in places if p is not last]
            goes = min(inner or places, key=kept.covered)
            kept = replace(
                kept,
                points=tuple(
                    replace(p, file="", size=0, check=0) if p is goes else p for p in kept.points
                ),
            )
        return kept

    @property
    def stored(self) -> tuple[Point, ...]:
        """The points whose weights are kept."""
        return tuple(p for p in self.points if p.file)

    @property
    def kept_bytes(self) -> int:
        """Of all weights that are kept."""
        return sum(p.size for p in self.points)

    def covered(self, point: Point) -> float:
        """The area that no other stored point covers, as a share of what all of them span."""
        places = self._shares(self.stored)
        at = self.stored.index(point)
        if not 0 < at < len(places) - 1:
            return math.inf
        (_, above), (x, y), (right, _) = places[at - 1 : at + 2]
        return (right - x) * (above - y)

    def knee(self) -> Point:
        """The stored point farthest below the straight line between the two ends.

        Both axes are counted in shares of what the stored points span. With fewer than three it is
        the one with the best loss. Raises AuditionError where no weights are kept.
        """
        stored = self.stored
        if not stored:
            raise AuditionError("the archive keeps no weights")
        below = {p: 1.0 - x - y for p, (x, y) in zip(stored, self._shares(stored), strict=True)}
        best = min(stored, key=self.loss)
        farthest = max(stored, key=below.__getitem__)
        return farthest if below[farthest] > 1e-9 else best

    def best(self) -> Point:
        """The stored point with the best loss; of two alike the less complex."""
        if not self.stored:
            raise AuditionError("the archive keeps no weights")
        return min(self.stored, key=lambda p: (self.loss(p), p.complexity))

    def least(self, bound: float) -> Point:
        """The stored point of the least complexity whose value is `bound` or better.

        Raises AuditionError where there is none.
        """
        within = [p for p in self.stored if self.loss(p) <= self.measure.as_loss(bound)]
        if not within:
            raise AuditionError(
                f"no weights are kept with {self.metric} at {bound:g} or better: the best have "
                f"{self.best().value:.6g}"
            )
        return min(within, key=lambda p: (p.complexity, self.loss(p)))

    def at(self, step: int) -> Point:
        """The stored point of that step; raises AuditionError where there is none."""
        for point in self.stored:
            if point.step == step:
                return point
        known = ", ".join(str(p.step) for p in self.stored) or "(none)"
        raise AuditionError(f"no weights of step {step} are kept; choose from: {known}")

    def _shares(self, points: Sequence[Point]) -> list[tuple[float, float]]:
        """(complexity, loss) of each, from 0 to 1 over what they span."""
        xs, ys = _spread(p.complexity for p in points), _spread(map(self.loss, points))
        return list(zip(xs, ys, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON can hold them."""
        return asdict(self)


def _spread(values: Iterable[float]) -> list[float]:
    each = list(values)
    low, high = min(each), max(each)
    return [(x - low) / (high - low) if high > low else 0.0 for x in each]


def read_archive(run: Path) -> Archive:
    """The archive of the run in the folder `run`; AuditionError where there is none to be read."""
    path = run / FOLDER / FILE
    found = read_file(path, _decoded)
    if found is None:
        raise AuditionError(f"{run} keeps no memory: train it with memory=ockham")
    if isinstance(found, Unreadable):
        raise AuditionError(str(found))
    return found


def _decoded(text: str) -> Archive:
    try:
        plain = parsed(text)
    except ValueError as error:
        raise AuditionError(f"is not complete JSON ({error})") from None
    if not isinstance(plain, Mapping) or plain.get("schema") != SCHEMA:
        raise AuditionError("was not written by this version of Audition")
    found: Archive = read(Archive, dict(plain))
    return found


def write_archive(run: Path, archive: Archive) -> None:
    """Put the archive beside its weights, whole or not at all; raises OSError."""
    write_whole(run / FOLDER / FILE, json.dumps(archive.to_dict(), indent=1) + "\n")


def read_weights(run: Path, point: Point) -> bytes:
    """The file of the point's weights; AuditionError, naming it, where it is not what was written."""
    path = run / FOLDER / point.file
    try:
        content = read_bytes(path)
    except OSError as error:
        raise AuditionError(f"{path} cannot be read: {error.strerror or error}") from None
    if zlib.crc32(content) != point.check:
        raise AuditionError(f"{path} is damaged: it is not what the run wrote")
    return content

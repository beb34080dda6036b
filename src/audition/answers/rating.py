"""How good the evidence of a result is, from 0 to 10: computed from facts, every point with its reason.

The rubric counts what was done, never what came out: a null that was planned, replicated and settled
is rated as high as a success.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from audition.amount import Method

Band = Literal["none", "low", "middle", "high"]
BANDS: Mapping[Band, tuple[int, int]] = {
    "none": (0, 0),
    "low": (1, 4),
    "middle": (5, 6),
    "high": (7, 10),
}
"""Those of document 004, and what earned nothing."""
MOST = 10
FRESH = 5
"""Fresh seeds from which on replication earns both of its points."""
SHARED = 3
"""Seeds that arm and baseline share, from which on it earns one."""
FACTORS = (2.0, 3.0)
"""Lower bounds of the factor by which a cost is less, each of which earns a point."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rubric asks of a result. The defaults are those of a result that nothing is known of."""

    planned: bool = False
    """The plan was there before the first run, all of its runs have an outcome, nothing departs."""
    held_out: bool = False
    """The measure is of a full pass over held-out rows, which training never sees."""
    shared_seeds: int = 0
    """Seeds that both arm and baseline have a number of."""
    fresh_seeds: int = 0
    """Those of them that did not choose the arm or its settings."""
    fair: bool = False
    """As many settings were tried on both sides, or the arm is made of the baseline's weights."""
    settled: bool = False
    """The verdict is neither inconclusive nor invalid."""
    least_factor: float | None = None
    """Lower bound of the factor by which the claimed cost is less, where the loss is no worse."""
    excludes_claimed: bool = False
    """A null, or a test of somebody's claim, whose interval leaves the claimed value out."""
    cost_method: Method | None = None
    """How the claimed cost was come by; None where no cost is claimed."""
    supported: bool = False
    """The verdict is that the claim holds."""
    elsewhere: bool = False
    """Another data set or another scale has the same verdict."""
    same_seed_baseline: bool = False
    """There is a valid baseline on the same seeds."""
    training_loss: bool = False
    """It is judged by the loss of training."""
    unlike: str = ""
    """In what the arms differ beside what is claimed."""
    other_bits: bool = False
    """A run that was made again came to other bits."""
    control_passes: bool = False
    """A smaller plain model, trained longer, passes the claim too."""


@dataclass(frozen=True)
class Point:
    """One line of a rating."""

    name: str
    earned: int
    most: int
    reason: str


@dataclass(frozen=True)
class Cap:
    """The most that a result can be rated, for a fault that no other point makes up for."""

    most: int
    reason: str


@dataclass(frozen=True)
class Rating:
    """The points of a result, and the caps that hold for it."""

    points: tuple[Point, ...]
    caps: tuple[Cap, ...]

    @property
    def earned(self) -> int:
        """The sum of its points, before any cap."""
        return sum(point.earned for point in self.points)

    @property
    def total(self) -> int:
        """The rating, from 0 to 10."""
        return min(self.earned, *(cap.most for cap in self.caps), MOST)

    @property
    def band(self) -> Band:
        """The word for it."""
        return next(band for band, (low, high) in BANDS.items() if low <= self.total <= high)

    @property
    def reasons(self) -> tuple[str, ...]:
        """A line for each point, and for each cap that lowers the sum."""
        lines = [f"{p.earned}/{p.most} {p.name}: {p.reason}" for p in self.points]
        lowering = (cap for cap in self.caps if cap.most < self.earned)
        return (*lines, *(f"at most {cap.most}: {cap.reason}" for cap in lowering))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "total": self.total,
            "band": self.band,
            "points": [vars(point) for point in self.points],
            "caps": [vars(cap) for cap in self.caps],
        }


def rate(facts: Facts) -> Rating:
    """The rating of a result of which those facts are known.

    Example:
        >>> rate(Facts(planned=True, shared_seeds=3, same_seed_baseline=True)).total
        2
    """
    return Rating(tuple(_points(facts)), tuple(_caps(facts)))


def _points(f: Facts) -> Iterator[Point]:
    yield _one(
        "planned",
        f.planned,
        "its plan was there before the first run and was kept",
        "it was not planned before its first run, or departs from its plan",
    )
    yield _one(
        "held out",
        f.held_out,
        "judged on all held-out rows, which training never sees",
        "not judged on held-out rows",
    )
    fresh = min(f.fresh_seeds, f.shared_seeds)
    earned = 2 if fresh >= FRESH else 1 if f.shared_seeds >= SHARED else 0
    yield Point("replicated", earned, 2, f"{f.shared_seeds} shared seeds, {fresh} of them fresh")
    yield _one(
        "fair",
        f.fair,
        "as many settings were tried on both sides, or it is made of the baseline's weights",
        "the sides were not given as many trials",
    )
    yield _one(
        "settled", f.settled, "the question is decided, either way", "inconclusive or invalid"
    )
    yield _size(f)
    told = f.cost_method in ("measured", "exact")
    yield _one(
        "measured",
        told,
        f"the claimed cost is {f.cost_method}",
        "no cost is claimed" if f.cost_method is None else f"the cost is {f.cost_method}",
    )
    tells = f.supported or f.excludes_claimed
    yield _one(
        "elsewhere",
        f.elsewhere and tells,
        "the same on a second data set or at a second scale",
        "a null of nothing claimed, which every placebo has everywhere"
        if f.elsewhere
        else "one data set at one scale",
    )


def _size(f: Facts) -> Point:
    if f.excludes_claimed:
        return Point("size", 2, 2, "the interval leaves out the value that was claimed")
    if f.least_factor is None:
        return Point("size", 0, 2, "no factor is shown, and no claimed value is excluded")
    earned = sum(f.least_factor >= factor for factor in FACTORS)
    return Point("size", earned, 2, f"the cost is less by {f.least_factor:.3g} × at least")


def _one(name: str, earned: bool, why: str, why_not: str) -> Point:
    return Point(name, int(earned), 1, why if earned else why_not)


def _caps(f: Facts) -> Iterator[Cap]:
    if not f.same_seed_baseline:
        yield Cap(2, "no valid baseline on the same seeds")
    if f.training_loss:
        yield Cap(2, "judged by the loss of training")
    if f.shared_seeds < SHARED:
        yield Cap(3, f"{f.shared_seeds} shared seeds, fewer than {SHARED}")
    if f.unlike:
        yield Cap(4, f"the arms are unlike in what is not claimed: {f.unlike}")
    if f.other_bits:
        yield Cap(4, "a run that was made again came to other bits")
    if f.control_passes:
        yield Cap(5, "a smaller plain model, trained longer, passes too")

"""An arm: one configuration's final losses, by seed."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from audition.stats.moments import Moments, mean, sd

Seed = Hashable
Losses = Mapping[Seed, float | None] | Sequence[float] | Iterable[tuple[Seed, float]]
"""What callers may pass: `{seed: loss}`, `(seed, loss)` pairs, or bare losses without seeds.
`None` is a run that crashed or is missing; NaN or infinity is a run that diverged."""


@dataclass(frozen=True)
class Arm:
    """Losses [n] in loss units and their seed ids [n] (`None` where the caller gave none).

    weights: what was trained [n], as a digest of each run's final weights; empty where unknown.
    """

    losses: tuple[float, ...]
    seeds: tuple[Seed, ...] | None = None
    missing: tuple[Seed, ...] = ()
    weights: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of runs with an outcome, diverged ones included."""
        return len(self.losses)

    @cached_property
    def diverged(self) -> int:
        """Number of runs whose loss is NaN or infinite."""
        return sum(not math.isfinite(loss) for loss in self.losses)

    @cached_property
    def by_seed(self) -> dict[Seed, float]:
        """Seed -> loss; empty where no seeds were given."""
        return {} if self.seeds is None else dict(zip(self.seeds, self.losses, strict=True))

    @cached_property
    def mean(self) -> float:
        """Mean loss; NaN for an empty arm."""
        return mean(self.losses)

    @cached_property
    def sd(self) -> float:
        """Sample sd (ddof = 1) of the losses; NaN under two runs."""
        return sd(self.losses)

    @property
    def varies(self) -> bool:
        """Whether the losses differ by more than their rounding; False under two runs."""
        return bool(self.moments.varies)

    @cached_property
    def moments(self) -> Moments:
        """What the tests need of the losses, as an array of one arm."""
        largest = max(map(abs, self.losses), default=0.0)
        return Moments(self.n, *map(np.asarray, (self.mean, self.sd, largest)))

    def restricted_to(self, seeds: Sequence[Seed]) -> Self:
        """The same arm on these seeds only, in this order."""
        by_seed = self.by_seed
        trained = dict(zip(self.seeds or (), self.weights, strict=False))
        losses = tuple(by_seed[seed] for seed in seeds)
        weights = tuple(trained[seed] for seed in seeds if trained)
        return replace(self, losses=losses, seeds=tuple(seeds), missing=(), weights=weights)

    @property
    def told_apart(self) -> bool:
        """Whether its runs are known to have trained different weights."""
        return all(self.weights) and len(set(self.weights)) > 1

    @property
    def alike(self) -> bool:
        """Whether all of its runs, two or more, came out the same, as far as can be told.

        Equal losses say so, but of a measure that takes few values; there the weights tell.
        """
        return self.n > 1 and not self.varies and not self.told_apart


def read_arm(losses: Losses | Arm, *, name: str = "arm") -> Arm:
    """Read what a caller passed into an `Arm`.

    Raises:
        ValueError: a seed occurs twice, a loss is not a number, or a bare sequence holds `None`.
    """
    if isinstance(losses, Arm):
        return losses
    if isinstance(losses, Mapping):
        pairs: list[tuple[Seed, float | None]] = list(losses.items())
    else:
        entries: list[object] = list(losses)
        if not any(isinstance(entry, tuple) for entry in entries):
            return Arm(tuple(_number(entry, name) for entry in entries))
        pairs = [entry for entry in entries if isinstance(entry, tuple) and len(entry) == 2]
        if len(pairs) != len(entries):
            raise ValueError(f"{name}: mix of losses and (seed, loss) pairs; give one or the other")
    seeds = [seed for seed, _ in pairs]
    repeated = sorted(str(seed) for seed, times in Counter(seeds).items() if times > 1)
    if repeated:
        raise ValueError(f"{name}: duplicate seed {', '.join(repeated)}; each seed is one run")
    present = [(seed, _number(loss, name)) for seed, loss in pairs if loss is not None]
    return Arm(
        losses=tuple(loss for _, loss in present),
        seeds=tuple(seed for seed, _ in present),
        missing=tuple(seed for seed, loss in pairs if loss is None),
    )


def shared_seeds(first: Arm, second: Arm) -> tuple[Seed, ...]:
    """Seeds with an outcome in both arms, in the first arm's order."""
    other = second.by_seed
    return tuple(seed for seed in first.by_seed if seed in other)


def paired_differences(baseline: Losses | Arm, idea: Losses | Arm) -> tuple[float, ...]:
    """Baseline minus idea, seed by seed [pairs], in loss units: positive = the idea is better.

    Arms with seeds are paired on the seeds they share. Two bare sequences of one length are taken
    to be aligned by whoever calls; `compare` never makes that assumption.

    Raises:
        ValueError: nothing says which losses belong together, or a run diverged.
    """
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    if first.seeds is not None and second.seeds is not None:
        seeds = shared_seeds(first, second)
        first, second = first.restricted_to(seeds), second.restricted_to(seeds)
    elif (first.seeds is None) != (second.seeds is None) or first.n != second.n:
        raise ValueError(
            f"cannot pair {first.n} baseline with {second.n} idea losses; give both as seed -> loss"
        )
    require_finite(first, name="baseline")
    require_finite(second, name="idea")
    return tuple(b - i for b, i in zip(first.losses, second.losses, strict=True))


def require_finite(arm: Arm, *, name: str) -> None:
    """Stop where a diverged run would silently turn a number into NaN.

    Raises:
        ValueError: some loss is NaN or infinite.
    """
    if arm.diverged:
        raise ValueError(
            f"{name}: {arm.diverged} of {arm.n} runs diverged; this number needs finite losses "
            "(`compare` reports divergence as an outcome)"
        )


def _number(loss: object, name: str) -> float:
    try:
        return float(loss)  # type: ignore[arg-type]  # whatever float() refuses is named below
    except (TypeError, ValueError):
        raise ValueError(f"{name}: loss {loss!r} is not a number") from None

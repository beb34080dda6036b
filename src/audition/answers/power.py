"""How many seeds detect a gain, and what they cost by the ledger's own timings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from audition.answers import ArmRuns, family_of
from audition.answers.baselines import noise_of, rivals_of
from audition.measure import Measure
from audition.records.registration import Registration
from audition.stats import (
    NoiseModel,
    minimal_detectable_effect,
    power_at,
    seeds_needed,
)
from audition.stats.comparison import json_ready
from audition.stats.distributions import Sides

LADDER = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024)


@dataclass(frozen=True)
class Step:
    """At `n` seeds an arm: the power, and as the only idea, what shows, and what is to be run."""

    n: int
    power: float
    power_alone: float
    detectable: float
    runs: int
    seconds: float


@dataclass(frozen=True)
class Power:
    """How many seeds a gain of `gain`, in the unit of `measure`, takes for one new idea."""

    baseline_hash: str
    metric: str
    measure: Measure
    gain: float
    alpha: float
    sides: Sides
    sesoi: float
    power: float
    noise: NoiseModel
    family_size: int
    seeds_needed: int | None
    runs: int | None
    seconds: float | None
    curve: tuple[Step, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        rho, noise = self.noise.rho, self.noise
        return {
            **{k: v for k, v in vars(self).items() if k not in ("noise", "curve", "measure")},
            "noise": json_ready(
                {"sd": noise.sd, "df": noise.df, "rho": rho, "method": noise.method}
            ),
            "curve": json_ready(self.curve),
        }


def power_for(
    arms: Mapping[str, ArmRuns],
    baseline: ArmRuns,
    *,
    gain: float,
    power: float = 0.8,
    alpha: float = 0.05,
    sides: Sides = "two",
    sesoi: float | None = None,
    plans: Sequence[Registration] = (),
) -> Power:
    """Seeds an arm that have an idea with a true `gain` *supported* with this power.

    Its interval, adjusted for the ideas compared so far and this one, must then lie above zero, and its
    improvement reach `sesoi` (the measure's own, or one pooled sd): no number of seeds does that
    for a gain of `sesoi` or less.

    The noise is the baseline's campaign's. Runs are counted for one new idea beside the baseline's
    seeds that are there already; their time is the mean of the ledger's runs of each side.

    Raises ValueError for a gain that is not positive, or alpha or power outside (0, 1);
    AuditionError where the ledger has no estimate of the noise.
    """
    noise = noise_of(arms, baseline)
    tried = rivals_of(arms, baseline)
    family = max(1, len(family_of(arms, baseline.config_hash, plans)))
    worth = sesoi or baseline.measure.worth or noise.sd
    terms: dict[str, Any] = {"sides": sides, "family_size": family, "sesoi": worth}
    needed = seeds_needed(gain, noise, alpha, power, baseline_seeds=len(baseline.losses), **terms)
    theirs = baseline.mean("seconds")
    timed = [arm.mean("seconds") for arm in tried]
    ours = fmean(known) if (known := [t for t in timed if not math.isnan(t)]) else theirs

    def cost(n: int) -> tuple[int, float]:
        extra = max(0, n - len(baseline.losses))
        return n + extra, n * ours + extra * theirs

    def with_baseline(n: int) -> int:
        return max(n, len(baseline.losses))

    last = next((k for k, n in enumerate(LADDER) if n >= max(needed or 0, 12)), len(LADDER) - 1)
    seeds = sorted({*LADDER[: last + 1], *([needed] if needed else []), *_here(baseline)})
    curve = tuple(
        Step(
            n,
            power_at(gain, n, noise, alpha, n_baseline=with_baseline(n), **terms),
            power_at(
                gain, n, noise, alpha, n_baseline=with_baseline(n), **terms | {"family_size": 1}
            ),
            minimal_detectable_effect(n, noise, alpha, power, n_baseline=with_baseline(n), **terms),
            *cost(n),
        )
        for n in seeds
    )
    runs, seconds = cost(needed) if needed else (None, None)
    return Power(
        baseline.config_hash,
        baseline.metric,
        baseline.measure,
        gain,
        alpha,
        sides,
        worth,
        power,
        noise,
        family,
        needed,
        runs,
        seconds,
        curve,
    )


def _here(baseline: ArmRuns) -> list[int]:
    """The baseline's present number of seeds, shown on the curve as well."""
    return [len(baseline.losses)] if len(baseline.losses) > 1 else []

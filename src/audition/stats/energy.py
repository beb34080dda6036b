"""Joules: whether an idea reaches the same loss for less energy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from audition.stats.arms import Seed
from audition.stats.comparison import json_ready
from audition.stats.distributions import require_probability, t_tail
from audition.stats.t_tests import UNDEFINED, paired_t, welch_t

Kind = Literal["saves", "costs", "worse", "open"]
"""Same loss for fewer joules; the same loss for more; fewer joules for a loss that is worse, or may
be; nothing that these seeds could tell."""


@dataclass(frozen=True)
class EnergyVerdict:
    """Joules of two arms, and whether the idea's loss is as good as the baseline's.

    `ratio` is the idea's joules over the baseline's, for whole runs: the geometric mean over seeds.
    `p_worse` rejects "the idea's loss is worse by `margin` or more". Both must hold for `saves`, so
    each is tested at its full level (an intersection of alternatives needs no adjustment).
    """

    kind: Kind
    ratio: float
    ratio_ci: tuple[float, float]
    level: float
    joules_baseline: float  # arithmetic mean over seeds [J]
    joules_idea: float
    n: int  # paired seeds, or the smaller arm's where none are shared
    paired: bool
    p_worse: float
    margin: float  # [loss units]

    @property
    def as_good(self) -> bool:
        """Whether the loss is non-inferior."""
        return self.p_worse <= (1.0 - self.level) / 2.0

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it; NaN as null."""
        plain: dict[str, Any] = json_ready(self)
        return plain


def energy_verdict(
    baseline: Mapping[Seed, float],
    idea: Mapping[Seed, float],
    *,
    improvement: float,
    standard_error: float,
    df: float,
    margin: float,
    level: float = 0.95,
) -> EnergyVerdict:
    """Compare joules (seed -> J per run), given what the comparison of losses found.

    The interval of the ratio is a t interval of the logarithms: paired over shared seeds (two or
    more), Welch's otherwise. improvement, standard_error, df: of the loss, positive = the idea is
    better [loss units]. margin: the largest loss that does not count, δ* [loss units].

    Source: non-inferiority and the ratio of paired means on the log scale as in bioequivalence,
    Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657.

    Raises:
        ValueError: joules that are not positive and finite, an arm without any, or a level outside
            (0, 1).
    """
    require_probability(level, name="level")
    for name, arm in (("baseline", baseline), ("idea", idea)):
        if not arm:
            raise ValueError(f"the {name} has no joules")
        for seed, joules in arm.items():
            if not (joules > 0 and math.isfinite(joules)):
                raise ValueError(f"joules={joules} of the {name}'s seed {seed} is not above 0")
    shared = [seed for seed in baseline if seed in idea]
    paired = len(shared) >= 2
    ours, theirs = (
        {seed: math.log(arm[seed]) for seed in (shared if paired else arm)}
        for arm in (idea, baseline)
    )
    test = (
        UNDEFINED
        if min(len(ours), len(theirs)) < 2
        else (paired_t if paired else welch_t)(theirs, ours)
    )
    # `estimate` is baseline minus idea, and so minus the logarithm of the ratio.
    gain = _mean(theirs) - _mean(ours)
    low, high = test.ci(level)
    ci = (math.exp(-high), math.exp(-low))
    p_worse = _p_worse(improvement, standard_error, df, margin)
    found = EnergyVerdict(
        "open",
        math.exp(-gain),
        ci,
        level,
        _mean(baseline),
        _mean(idea),
        len(shared) if paired else min(len(ours), len(theirs)),
        paired,
        p_worse,
        margin,
    )
    return EnergyVerdict(**{**vars(found), "kind": _kind(found)})


def _kind(found: EnergyVerdict) -> Kind:
    low, high = found.ratio_ci
    if high < 1.0:
        return "saves" if found.as_good else "worse"
    if low > 1.0:
        return "costs"
    return "open"


def _p_worse(improvement: float, standard_error: float, df: float, margin: float) -> float:
    """One-sided p of "the idea is worse by `margin` or more"; NaN where there is no error."""
    if not (standard_error > 0 and margin > 0 and math.isfinite(improvement)):
        return math.nan
    return t_tail((improvement + margin) / standard_error, df)


def _mean(values: Mapping[Seed, float]) -> float:
    return math.fsum(values.values()) / len(values)

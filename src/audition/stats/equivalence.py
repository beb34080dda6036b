"""Two one-sided tests: is the improvement too small to matter, either way?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from audition.stats.arms import Arm, Losses, read_arm, shared_seeds
from audition.stats.location_tests import TTest, paired_t, welch_t
from audition.stats.noncentral_t import t_tail


@dataclass(frozen=True)
class Equivalence:
    """`p` rejects "|improvement| >= margin"; the margin is in loss units."""

    p: float
    p_above_lower: float
    p_below_upper: float
    margin: float
    design: str


def tost(baseline: Losses | Arm, idea: Losses | Arm, *, margin: float) -> Equivalence:
    """Equivalence of two arms within +- `margin` (loss units), paired where seeds are shared.

    Two arms given with seeds and sharing at least two are paired; anything else is Welch's.

    Source: Schuirmann (1987), J. Pharmacokinet. Biopharm. 15, 657.

    Raises:
        ValueError: a margin that is not positive, or a seed that occurs twice.
    """
    first, second = read_arm(baseline, name="baseline"), read_arm(idea, name="idea")
    if len(shared_seeds(first, second)) >= 2:
        return equivalence_of(paired_t(first, second), margin=margin, design="paired")
    return equivalence_of(welch_t(first, second), margin=margin, design="welch")


def equivalence_of(test: TTest, *, margin: float, design: str) -> Equivalence:
    """The same two tests with any t test's estimate, standard error and df.

    Raises:
        ValueError: a margin that is not positive.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"margin={margin} must be a positive number of loss units")
    lower = t_tail((test.estimate + margin) / test.standard_error, test.df)
    upper = t_tail((margin - test.estimate) / test.standard_error, test.df)
    return Equivalence(max(lower, upper), lower, upper, margin, design)

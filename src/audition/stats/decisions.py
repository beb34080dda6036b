"""Decisions by the thousand: the verdict's tests and the card's rule on arrays of losses."""

from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
from scipy.special import stdtr

from audition.stats.calculus import Array
from audition.stats.distributions import Sides, side_of
from audition.stats.moments import Booleans, moments, pooled_sd
from audition.stats.multiplicity import family_critical_values
from audition.stats.noise import fit_block
from audition.stats.seed_rule import rule_clauses
from audition.stats.spreads import improvements
from audition.stats.t_tests import paired_error, pooled_error, welch_error
from audition.stats.verdict import require_sesoi

Replayed = Literal["paired", "mixed", "welch"]
REPLAYED: tuple[Replayed, ...] = get_args(Replayed)


@dataclass(frozen=True)
class Decisions:
    """What was decided, for each trial [trials] or each idea of each campaign [trials, ideas].

    `significant`: the (adjusted) interval lies above zero. `supported`: the verdict, which also
    asks for the smallest worthwhile gain. `passed`: the card's rule.
    """

    significant: Booleans
    supported: Booleans
    passed: Booleans

    def any_of_family(self) -> Self:
        """Whether any idea of a campaign got the decision [trials]."""
        each = (self.significant, self.supported, self.passed)
        return type(self)(*(np.asarray(decision.any(axis=-1)) for decision in each))


def decide(
    baseline: Array,
    idea: Array,
    *,
    design: Replayed,
    alpha: float = 0.05,
    sides: Sides = "two",
    sesoi: float | None = None,
    k: float = 2.0,
    d_min: float = 0.5,
) -> Decisions:
    """What `compare` and `seed_rule` decide on finite losses [trials, n_baseline], [trials, n].

    One idea and one baseline, each trial with the two arms' own noise; `paired` and `mixed` take the
    columns as seeds, of which the baseline has extra ones in `mixed`. `sesoi` is in loss units
    (default: each trial's pooled sd).

    Raises:
        ValueError: an unknown design, arms of unequal size for a paired one, fewer than two seeds,
            an alpha that is no chance of error, or a sesoi that is not positive.
    """
    require_sesoi(sesoi)
    side = side_of(alpha, sides)
    n_baseline, n = baseline.shape[-1], idea.shape[-1]
    if design not in REPLAYED:
        raise ValueError(f"design={design!r} is unknown; choose {', '.join(REPLAYED)}")
    if min(n_baseline, n) < 2 or (design == "paired" and n != n_baseline):
        raise ValueError(f"{n_baseline} baseline and {n} idea seeds do not make a {design} design")
    first, second = moments(baseline), moments(idea)
    gain = first.mean - second.mean
    if design == "welch":
        error, df = welch_error(first, second)
    elif design == "mixed":
        found = improvements(baseline, idea[..., None, :])
        gain, error, df = (np.asarray(x[..., 0]) for x in (found.gain, found.error, found.df))
    else:
        error, df = pooled_error(first, second)
        paired, fewer = paired_error(moments(baseline - idea), first, second)
        shifted = np.isnan(paired)  # a constant shift is tested unpaired
        error, df = np.where(shifted, error, paired), np.where(shifted, df, fewer)
    # Seeds without effect on the baseline make the comparison invalid.
    significant = first.varies & (stdtr(df, -gain / error) < side)
    worthwhile = gain >= (pooled_sd(first, second) if sesoi is None else sesoi)
    two_sigma, large = rule_clauses(first, second, k=k, d_min=d_min)
    return Decisions(significant, significant & worthwhile, two_sigma & large)


def decide_campaign(
    baseline: Array,
    ideas: Array,
    *,
    alpha: float = 0.05,
    sides: Sides = "two",
    sesoi: float | None = None,
    k: float = 2.0,
    d_min: float = 0.5,
) -> Decisions:
    """What `compare_campaign` decides on finite losses [trials, N], [trials, ideas, n].

    Columns are seeds, the ideas' first; with N > n the baseline has extra ones. Decisions are
    [trials, ideas]. `sesoi` is in loss units (default: each campaign's pooled sd).

    Raises:
        ValueError: one idea, fewer than two seeds, a baseline with fewer than the ideas, an alpha
            that is no chance of error, or a sesoi that is not positive.
    """
    require_sesoi(sesoi)
    side = side_of(alpha, sides)
    (m, n), n_baseline = ideas.shape[-2:], baseline.shape[-1]
    if m < 2 or n < 2 or n_baseline < n:
        raise ValueError(f"{n_baseline} baseline seeds and {m} ideas on {n} make no campaign")
    found = improvements(baseline, ideas)
    critical = family_critical_values(side, m=m, df=found.df, correlation=found.correlation)
    significant = found.gain > critical * found.error
    block = fit_block(np.concatenate([baseline[..., None, :n], ideas], axis=-2))
    worthwhile = found.gain >= (block.sd[..., None] if sesoi is None else sesoi)
    two_sigma, large = rule_clauses(
        moments(baseline[..., None, :]), moments(ideas), k=k, d_min=d_min
    )
    return Decisions(significant, significant & worthwhile, two_sigma & large)

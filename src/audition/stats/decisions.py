"""Decisions by the thousand: the verdict's tests and the card's rule on arrays of losses."""

import math
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
from scipy.special import stdtr

from audition.stats.calculus import Array
from audition.stats.distributions import require_probability
from audition.stats.moments import Booleans, moments, pooled_sd
from audition.stats.multiplicity import dunnett_critical_value
from audition.stats.noise import fit_block
from audition.stats.seed_rule import rule_clauses
from audition.stats.t_tests import paired_error, pooled_error, welch_error
from audition.stats.verdict import require_sesoi

Replayed = Literal["paired", "pooled", "welch"]
REPLAYED: tuple[Replayed, ...] = get_args(Replayed)
Shared = Literal["block", "pooled"]
SHARED: tuple[Shared, ...] = get_args(Shared)


@dataclass(frozen=True)
class Decisions:
    """What was decided, for each trial [trials] or each idea of each campaign [trials, ideas].

    `significant`: (adjusted) one-sided p <= alpha. `supported`: the verdict, which also asks for
    the smallest worthwhile gain. `passed`: the card's rule.
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
    sesoi: float | None = None,
    k: float = 2.0,
    d_min: float = 0.5,
) -> Decisions:
    """What `compare` and `seed_rule` decide on finite losses [trials, n_baseline], [trials, n].

    One idea and one baseline, each trial with the two arms' own noise; `paired` takes the columns
    as seeds. `sesoi` is in loss units (default: each trial's pooled sd).

    Raises:
        ValueError: an unknown design, arms of unequal size for a paired one, fewer than two seeds,
            alpha outside (0, 1), or a sesoi that is not positive.
    """
    _require(alpha, sesoi)
    n_baseline, n = baseline.shape[-1], idea.shape[-1]
    if design not in REPLAYED:
        raise ValueError(f"design={design!r} is unknown; choose {', '.join(REPLAYED)}")
    if min(n_baseline, n) < 2 or (design == "paired" and n != n_baseline):
        raise ValueError(f"{n_baseline} baseline and {n} idea seeds do not make a {design} design")
    first, second = moments(baseline), moments(idea)
    gain = first.mean - second.mean
    if design == "welch":
        error, df = welch_error(first, second)
    else:
        error, df = pooled_error(first, second)
    if design == "paired":
        paired, fewer = paired_error(moments(baseline - idea), first, second)
        shifted = np.isnan(paired)  # a constant shift is tested unpaired
        error, df = np.where(shifted, error, paired), np.where(shifted, df, fewer)
    # Seeds without effect on the baseline make the comparison invalid.
    significant = first.varies & (stdtr(df, -gain / error) <= alpha)
    worthwhile = gain >= (pooled_sd(first, second) if sesoi is None else sesoi)
    two_sigma, large = rule_clauses(first, second, k=k, d_min=d_min)
    return Decisions(significant, significant & worthwhile, two_sigma & large)


def decide_campaign(
    baseline: Array,
    ideas: Array,
    *,
    design: Shared,
    alpha: float = 0.05,
    sesoi: float | None = None,
    k: float = 2.0,
    d_min: float = 0.5,
) -> Decisions:
    """What `compare_campaign` decides, with Dunnett's adjustment; decisions are [trials, ideas].

    Losses are [trials, n_baseline] and [trials, ideas, n]. In the `block` columns are seeds that
    all arms ran; `pooled` is the unpaired design of a baseline with extra seeds. Moderated
    variances, which a campaign with an outlying arm gets, are not replayed.

    Raises:
        ValueError: an unknown design, one idea, fewer than two seeds, arms of unequal size in a
            block, alpha outside (0, 1), or a sesoi that is not positive.
    """
    _require(alpha, sesoi)
    (m, n), n_baseline = ideas.shape[-2:], baseline.shape[-1]
    if design not in SHARED:
        raise ValueError(f"design={design!r} is unknown; choose {', '.join(SHARED)}")
    if m < 2 or min(n, n_baseline) < 2 or (design == "block" and n != n_baseline):
        raise ValueError(f"{n_baseline} baseline seeds and {m} ideas on {n} make no {design}")
    first, each = moments(baseline[..., None, :]), moments(ideas)
    gain = first.mean - each.mean
    if design == "block":
        block = fit_block(np.concatenate([baseline[..., None, :], ideas], axis=-2))
        error, sd, df = np.sqrt(2.0 * block.ms_residual / n), block.sd, block.df
    else:
        sd = pooled_sd(moments(baseline), *(moments(ideas[..., idea, :]) for idea in range(m)))
        df = n_baseline - 1 + m * (n - 1)
        error = sd * math.sqrt(1.0 / n + 1.0 / n_baseline)
    critical = dunnett_critical_value(alpha, m=m, df=df, correlation=n / (n + n_baseline))
    significant = gain >= critical * error[..., None]
    worthwhile = gain >= (sd[..., None] if sesoi is None else sesoi)
    two_sigma, large = rule_clauses(first, each, k=k, d_min=d_min)
    return Decisions(significant, significant & worthwhile, two_sigma & large)


def _require(alpha: float, sesoi: float | None) -> None:
    require_probability(alpha, name="alpha")
    require_sesoi(sesoi)

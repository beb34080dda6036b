"""Decisions by the thousand: the verdict's and the card's rule on whole arrays of losses at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from audition.stats.arms import ROUNDING
from audition.stats.dunnett import dunnett_critical_value
from audition.stats.noncentral_t import require_probability
from audition.stats.quadrature import Array

Booleans: TypeAlias = NDArray[np.bool_]
Replayed: TypeAlias = Literal["paired", "pooled", "welch"]
REPLAYED: tuple[Replayed, ...] = ("paired", "pooled", "welch")
Shared: TypeAlias = Literal["block", "pooled"]
SHARED: tuple[Shared, ...] = ("block", "pooled")


@dataclass(frozen=True)
class Decisions:
    """What was decided, for each trial [trials] or each idea of each campaign [trials, ideas].

    `significant`: (adjusted) one-sided p <= alpha. `supported`: the verdict, which also asks for
    the smallest worthwhile gain. `passed`: the card's rule.
    """

    significant: Booleans
    supported: Booleans
    passed: Booleans

    def any_of_family(self) -> Decisions:
        """Whether any idea of a campaign got the decision [trials]."""
        each = (self.significant, self.supported, self.passed)
        return Decisions(*(np.asarray(made.any(axis=-1)) for made in each))


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
    gain = baseline.mean(axis=-1) - idea.mean(axis=-1)
    first, second = baseline.var(axis=-1, ddof=1), idea.var(axis=-1, ddof=1)
    df_pooled = n_baseline + n - 2
    pooled = np.sqrt(((n_baseline - 1) * first + (n - 1) * second) / df_pooled)
    largest = np.maximum(np.abs(baseline).max(axis=-1), np.abs(idea).max(axis=-1))
    error: Array = pooled * math.sqrt(1.0 / n + 1.0 / n_baseline)
    df: Array = np.full(gain.shape, float(df_pooled))
    if design == "welch":
        a, b = first / n_baseline, second / n
        error = np.sqrt(a + b)
        with np.errstate(invalid="ignore"):  # two motionless arms: 0 / 0, never significant
            df = (a + b) ** 2 / (a**2 / (n_baseline - 1) + b**2 / (n - 1))
    elif design == "paired":
        spread = (baseline - idea).std(axis=-1, ddof=1)
        moving = spread > ROUNDING * largest  # a constant shift is tested unpaired
        error = np.where(moving, spread / math.sqrt(n), error)
        df = np.where(moving, float(n - 1), df)
    with np.errstate(invalid="ignore", divide="ignore"):
        significant = stdtr(df, -gain / error) <= alpha
    # Seeds without effect on the baseline make the comparison invalid and the rule undefined.
    valid = np.sqrt(first) > ROUNDING * np.abs(baseline).max(axis=-1)
    significant &= valid & (pooled > ROUNDING * largest)
    worthwhile = gain >= (pooled if sesoi is None else sesoi)
    passed = valid & (gain > k * np.sqrt(first)) & (gain >= d_min * pooled)
    return Decisions(significant, significant & worthwhile, passed)


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
    gain = baseline.mean(axis=-1)[..., None] - ideas.mean(axis=-1)
    first = baseline.var(axis=-1, ddof=1)[..., None]
    each = ideas.var(axis=-1, ddof=1)
    if design == "block":
        error, sd, df = _block_noise(np.concatenate([baseline[..., None, :], ideas], axis=-2))
    else:
        df = n_baseline - 1 + m * (n - 1)
        sd = np.sqrt(((n_baseline - 1) * first[..., 0] + (n - 1) * each.sum(axis=-1)) / df)
        error = sd * math.sqrt(1.0 / n + 1.0 / n_baseline)
    critical = dunnett_critical_value(alpha, m=m, df=df, correlation=n / (n + n_baseline))
    significant = gain >= critical * error[..., None]
    worthwhile = gain >= (sd[..., None] if sesoi is None else sesoi)
    pooled = np.sqrt(((n_baseline - 1) * first + (n - 1) * each) / (n_baseline + n - 2))
    passed = (gain > k * np.sqrt(first)) & (gain >= d_min * pooled)
    return Decisions(significant, significant & worthwhile, passed)


def _block_noise(losses: Array) -> tuple[Array, Array, int]:
    """Error of a gain [trials], seed sd [trials] and df, from losses [trials, arms, seeds]."""
    arms, seeds = losses.shape[-2:]
    df = (arms - 1) * (seeds - 1)
    centred = losses - losses.mean(axis=(-2, -1), keepdims=True)
    by_arm, by_seed = centred.mean(axis=-1), centred.mean(axis=-2)
    residual = centred - by_arm[..., :, None] - by_seed[..., None, :]
    ms_residual = (residual**2).sum(axis=(-2, -1)) / df
    ms_seed = arms * (by_seed**2).sum(axis=-1) / (seeds - 1)
    sd = np.sqrt((ms_seed + (arms - 1) * ms_residual) / arms)
    return np.sqrt(2.0 * ms_residual / seeds), sd, df


def _require(alpha: float, sesoi: float | None) -> None:
    require_probability(alpha, name="alpha")
    if sesoi is not None and not (sesoi > 0 and math.isfinite(sesoi)):
        raise ValueError(f"sesoi={sesoi} must be a positive number of loss units")

"""The error of each improvement of a campaign whose arms may differ in noise, on arrays of losses.

An improvement is the sum of two errors. The baseline's enters every comparison of a campaign and is
estimated from the baseline's own seeds alone. An idea's is estimated from all ideas, and drawn to
the idea's own spread as far as an F test tells that it is noisier than the others.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from audition.stats.calculus import Array

QUIETEST = 0.4
"""A baseline's variance is taken to be at least this share of the ideas': three seeds can look quiet
by luck, and without this floor a family of twenty equally noisy ideas errs in .09 instead of .05."""
NOISIER = (0.2, 0.02)
"""p of the F test from which, and to which, an idea's variance moves from the ideas' to its own."""
WILD = 0.005
"""Chance, in a campaign of equally noisy ideas, that one is set aside from the common noise."""
CHOSEN = 1.25
"""Floor of a single idea's variance, in variances of its design: the weight of the extra baseline
seeds is chosen from the very differences that the variance is taken from."""


@dataclass(frozen=True)
class Improvements:
    """The improvement of every idea [..., ideas], with what a Dunnett test of it needs.

    error: its standard error, in loss units. df: degrees of freedom, by Satterthwaite. correlation:
    of two ideas' improvements, through the baseline they share. weight: of the shared seeds in the
    baseline's mean [...]; 1 where the comparison is purely seed by seed.
    """

    gain: Array
    error: Array
    df: Array
    correlation: Array
    weight: Array


def improvements(baseline: Array, ideas: Array) -> Improvements:
    """Improvements of `ideas` [..., m, n] over `baseline` [..., N], both seed by seed.

    The baseline's first n columns are the ideas' seeds; its further N - n are extra seeds. They
    enter with the weight that the correlation of same-seed losses leaves them, so that pairing is
    kept where it is worth something: D = c mean(shared) + (1 - c) mean(extra) - mean(idea), with
    c = n/N + rho (1 - n/N), between the unpaired difference (rho = 0) and the paired one (rho = 1).

    Variances are those of the seeds' residuals, which are independent of the means, so any c leaves
    the improvement unbiased. Rules and constants were chosen by simulation: scripts/verdict_rates.py.

    Source: Satterthwaite (1946), Biometrics Bull. 2, 110; the weight is that of a regression
    estimator with double sampling, e.g. Cochran, Sampling Techniques, ch. 12.

    Raises:
        ValueError: fewer than two seeds, or fewer baseline seeds than the ideas have.
    """
    (m, n), total = ideas.shape[-2:], baseline.shape[-1]
    if n < 2 or total < n:
        raise ValueError(f"{total} baseline and {n} idea seeds cannot be compared seed by seed")
    shared, extra = baseline[..., :n], total - n
    kept, typical, residual, pooled = _alike(ideas)
    count = kept.sum(axis=-1)
    own = _variance(ideas)
    weight, beside, least = np.ones(baseline.shape[:-1]), np.zeros(baseline.shape[:-1]), 0.0
    level = shared.mean(axis=-1)
    spread = _variance(baseline)
    if extra:
        apart = _variance(shared[..., None, :] - ideas).mean(axis=-1)
        rho = np.clip(1.0 - apart / (spread + own.mean(axis=-1)), 0.0, 1.0)
        weight = n / total + rho * (1.0 - n / total)
        level = weight * level + (1.0 - weight) * baseline[..., n:].mean(axis=-1)
        beside = (1.0 - weight) ** 2 * spread * n / extra
        # What the shared seeds leave of the baseline's noise, if the correlation is what it seems.
        least = (weight**2 * (1.0 - rho) + (1.0 - weight) ** 2 * rho) * spread
        if m == 1:
            least = CHOSEN * (least + (1.0 - rho) * own[..., 0])
    gain = level[..., None] - ideas.mean(axis=-1)
    common = _variance(weight[..., None] * shared - typical)
    if m == 1:
        common = np.maximum(common, least)
        variance = (common + beside)[..., None]
        df = _satterthwaite(
            variance, (common[..., None], n - 1.0), (beside[..., None], total - 1.0)
        )
        return Improvements(gain, np.sqrt(variance / n), df, np.full(df.shape, 0.5), weight)
    common = np.maximum(common, QUIETEST * (weight**2 + 1.0 / count) * pooled)
    common = np.maximum(common, least + pooled / count if extra else 0.0)
    theirs, moved = _own_variances(residual, pooled, kept, n)
    count = count[..., None]
    common, beside, pooled = common[..., None], beside[..., None], pooled[..., None]
    # `common` holds a share 1/count of the ideas' variance, from their mean.
    bare = np.maximum(common - pooled / count, 0.0) + beside
    variance = bare + (1.0 - moved) * pooled + moved * theirs
    df = _satterthwaite(
        variance,
        (common, n - 1.0),
        (beside, total - 1.0),
        (np.maximum(1.0 - moved - 1.0 / count, 0.0) * pooled, (count - 1.0) * (n - 1.0)),
        (moved * theirs, n - 1.0),
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.minimum(bare / variance, 0.99)
    return Improvements(gain, np.sqrt(variance / n), df, correlation, weight)


def _alike(ideas: Array) -> tuple[Array, Array, Array, Array]:
    """Which ideas are alike in noise [..., m], their mean [..., n], and the residuals' variances.

    Those are each idea's [..., m] from that mean, and the alike ideas' common one [...]. A wild idea
    is set aside (Bonferroni's F test), since it would drown the noise of all the others.
    """
    m, n = ideas.shape[-2:]
    kept = np.ones(ideas.shape[:-1])
    if m > 2:
        residual = _variance(ideas - ideas.mean(axis=-2, keepdims=True))
        pooled = residual.sum(axis=-1) / (m - 1)
        p = _noisier(residual, pooled, kept.sum(axis=-1), n)[0]
        kept = np.where(p < WILD / m, 0.0, 1.0)
        kept[kept.sum(axis=-1) < 2] = 1.0
    count = kept.sum(axis=-1)
    typical = (kept[..., None] * ideas).sum(axis=-2) / count[..., None]
    residual = _variance(ideas - typical[..., None, :])  # (1 - 1/count) of an idea's variance
    return kept, typical, residual, (kept * residual).sum(axis=-1) / np.maximum(count - 1, 1)


def _noisier(residual: Array, pooled: Array, count: Array, n: int) -> tuple[Array, Array]:
    """p of the F test that an idea is noisier than the others, and its own variance [..., m]."""
    shared, c = pooled[..., None], count[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        others = (shared * (c - 1) - residual * c / (c - 1)) / (c - 2)
        against = residual * (c / (c - 1)) ** 2  # variance of the idea minus the others' mean
        f = np.nan_to_num(against / ((1.0 + 1.0 / (c - 1)) * others), nan=0.0, posinf=math.inf)
        # Two ideas cannot tell which of them is the noisier one.
        p = np.where(c > 2, fdtrc(n - 1, np.maximum(c - 2, 1) * (n - 1), np.maximum(f, 0.0)), 1.0)
    return p, np.where(c > 2, against - others / (c - 1), shared)


def _own_variances(residual: Array, pooled: Array, kept: Array, n: int) -> tuple[Array, Array]:
    """Each idea's own variance, at least the ideas' common one, and how far to move there [0, 1]."""
    count = kept.sum(axis=-1)
    p, own = _noisier(residual, pooled, count, n)
    first, last = NOISIER
    moved = np.clip((first - p) / (first - last), 0.0, 1.0)
    shared = pooled[..., None]
    own = np.where(kept > 0, own, residual - shared / count[..., None])
    return np.maximum(own, shared), np.where(kept > 0, moved, 1.0)


def _variance(losses: Array) -> Array:
    return np.asarray(losses.var(axis=-1, ddof=1))


def _satterthwaite(variance: Array, *parts: tuple[Array, Array | float]) -> Array:
    """Degrees of freedom of a sum of variance estimates, each with its own; at least one."""
    with np.errstate(invalid="ignore", divide="ignore"):
        df = variance**2 / sum(part**2 / np.maximum(own, 1.0) for part, own in parts)
    return np.maximum(df, 1.0)

"""Many ideas against one baseline: Dunnett's test, whose ideas share the baseline's luck."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from audition.stats.arms import Arm, Losses, read_arm, require_finite
from audition.stats.block import block_table, fit_block
from audition.stats.noncentral_t import require_probability, t_quantile, t_tail
from audition.stats.quadrature import Array, chi_scale_nodes, normal_nodes
from audition.stats.root import bracket, find_root


@dataclass(frozen=True)
class DunnettBlock:
    """Dunnett's test in the block. All tuples [ideas]; improvements in loss units, p one-sided."""

    ideas: tuple[str, ...]
    improvements: tuple[float, ...]
    t: tuple[float, ...]
    p: tuple[float, ...]
    p_adjusted: tuple[float, ...]
    critical_value: float
    ms_residual: float
    df: int
    family_size: int


def dunnett_tail(t: float, *, m: int, df: float, correlation: float = 0.5) -> float:
    """P(the largest of `m` null t statistics > t): the one-sided Dunnett p of one idea.

    Two ideas' t statistics correlate through the baseline they share: n / (n + n_baseline), which
    is 1/2 for equal arms.

    Source: Dunnett (1955), JASA 50, 1096; the double integral over the pooled sd s and the
    baseline's mean z, done by Gauss-Legendre.

    Raises:
        ValueError: m < 1 or a correlation outside [0, 1).
    """
    if m < 1 or not 0.0 <= correlation < 1.0:
        raise ValueError(f"Dunnett needs m >= 1 and 0 <= correlation < 1, got {m}, {correlation}")
    if m == 1 or math.isnan(t):
        return t_tail(t, df)
    s, s_weights = chi_scale_nodes(df)
    z, z_weights = normal_nodes()
    reach = t * s[:, None] + math.sqrt(correlation) * z[None, :]
    # 1 - Phi^m through logarithms: a p of 1e-12 keeps its digits.
    any_beyond = -np.expm1(m * log_ndtr(reach / math.sqrt(1.0 - correlation)))
    return min(1.0, float(s_weights @ any_beyond @ z_weights))


def dunnett_critical_value(alpha: float, *, m: int, df: float, correlation: float = 0.5) -> float:
    """The t that the best of `m` null ideas exceeds with probability `alpha`.

    Raises:
        ValueError: alpha outside (0, 1).
    """
    require_probability(alpha, name="alpha")

    def excess(t: float) -> float:
        return alpha - dunnett_tail(t, m=m, df=df, correlation=correlation)

    low, high = bracket(excess, start=t_quantile(1.0 - alpha, df), step=1.0)
    return find_root(excess, low=low, high=high)


def dunnett_block(
    baseline: Losses | Arm,
    ideas: Mapping[str, Losses | Arm] | Sequence[Losses | Arm],
    *,
    alpha: float = 0.05,
    family_size: int | None = None,
) -> DunnettBlock:
    """Every idea against the baseline in the seeds-by-arms block, one-sided, family-wise.

    Arms with seeds are aligned on the seeds all of them share; bare losses must be aligned already.

    Raises:
        ValueError: no idea, a diverged run, arms that cannot be aligned, fewer than two seeds, or
            a family smaller than the ideas.
    """
    named = dict(ideas) if isinstance(ideas, Mapping) else _numbered(ideas)
    if not named:
        raise ValueError("fewer than two arms: give the baseline and at least one idea")
    family = len(named) if family_size is None else family_size
    if family < len(named):
        raise ValueError(f"family_size={family} is smaller than the {len(named)} ideas in it")
    arms = [read_arm(baseline, name="baseline")]
    arms += [read_arm(losses, name=name) for name, losses in named.items()]
    for name, arm in zip(("baseline", *named), arms, strict=True):
        require_finite(arm, name=name)
    table = _aligned(arms)
    block = fit_block(table)
    error = math.sqrt(2.0 * block.ms_residual / table.shape[1])
    means = table.mean(axis=1)
    improvements = [float(means[0] - mean) for mean in means[1:]]
    statistics = [value / error if error > 0 else math.nan for value in improvements]
    return DunnettBlock(
        ideas=tuple(named),
        improvements=tuple(improvements),
        t=tuple(statistics),
        p=tuple(t_tail(t, block.df) for t in statistics),
        p_adjusted=tuple(dunnett_tail(t, m=family, df=block.df) for t in statistics),
        critical_value=dunnett_critical_value(alpha, m=family, df=block.df),
        ms_residual=block.ms_residual,
        df=block.df,
        family_size=family,
    )


def _numbered(ideas: Sequence[Losses | Arm]) -> dict[str, Losses | Arm]:
    return {f"idea {number}": losses for number, losses in enumerate(ideas, start=1)}


def _aligned(arms: Sequence[Arm]) -> Array:
    if all(arm.seeds is not None for arm in arms):
        seeds = [seed for seed in arms[0].by_seed if all(seed in arm.by_seed for arm in arms)]
        return block_table(arms, seeds=seeds)
    if any(arm.seeds is not None for arm in arms) or len({arm.n for arm in arms}) > 1:
        raise ValueError("arms cannot be aligned; give every arm as seed -> loss")
    return np.array([arm.losses for arm in arms], dtype=float)

"""How much a comparison can see: detectable effects, seeds needed, power against seeds."""

import math
from functools import lru_cache
from typing import Literal

from audition.stats.calculus import bracket, find_root
from audition.stats.distributions import noncentral_t_tail, require_probability, t_quantile
from audition.stats.noise import NoiseModel

Alternative = Literal["one-sided", "two-sided"]


def power_at(
    effect: float,
    n: int,
    noise: NoiseModel,
    alpha: float = 0.05,
    *,
    n_baseline: int | None = None,
    alternative: Alternative = "one-sided",
) -> float:
    """Chance that a true `effect` (loss units) is significant at `alpha` with `n` seeds an arm.

    Source: the noncentral t; two-sided power counts both tails.

    Raises:
        ValueError: alpha outside (0, 1), or an unknown alternative.
    """
    error, df = noise.standard_error(n, n_baseline), noise.df_at(n, n_baseline)
    if not error > 0 or df < 1:
        return math.nan
    return _power(effect / error, df, alpha, alternative)


@lru_cache(maxsize=4096)
def minimal_detectable_effect(
    n: int,
    noise: NoiseModel,
    alpha: float = 0.05,
    power: float = 0.8,
    *,
    n_baseline: int | None = None,
    alternative: Alternative = "one-sided",
) -> float:
    """The true gain (loss units) that `n` seeds an arm would call significant with this power.

    NaN where the noise is unknown, as for own noise from a single seed.

    Raises:
        ValueError: alpha or power outside (0, 1), an unknown alternative, or power <= alpha.
    """
    require_probability(alpha, name="alpha")
    require_probability(power, name="power")
    if power <= alpha:
        raise ValueError(f"power={power} is not above alpha={alpha}; even no effect reaches that")
    error, df = noise.standard_error(n, n_baseline), noise.df_at(n, n_baseline)
    if not error > 0 or df < 1:
        return math.nan

    def shortfall(noncentrality: float) -> float:
        return _power(noncentrality, df, alpha, alternative) - power

    start = t_quantile(1.0 - alpha, df)
    # From zero up only: two-sided power rises again on the other side.
    high = bracket(shortfall, start=start, step=start)[1]
    return find_root(shortfall, low=0.0, high=high) * error


@lru_cache(maxsize=4096)
def seeds_needed(
    effect: float,
    noise: NoiseModel,
    alpha: float = 0.05,
    power: float = 0.8,
    *,
    alternative: Alternative = "one-sided",
    most: int = 10_000,
) -> int | None:
    """Fewest seeds an arm that detect `effect` (loss units) with this power; None above `most`.

    Raises:
        ValueError: an effect that is not positive, alpha or power outside (0, 1).
    """
    require_probability(alpha, name="alpha")
    require_probability(power, name="power")
    if not effect > 0:
        raise ValueError(f"effect={effect} must be a positive gain in loss units")

    def enough(n: int) -> bool:
        return power_at(effect, n, noise, alpha, alternative=alternative) >= power

    if not noise.sd_difference > 0 or not enough(most):
        return None
    low, high = 1, most  # `low` may still be too few: one seed has no own variance
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return low if enough(low) else high


def _power(noncentrality: float, df: float, alpha: float, alternative: Alternative) -> float:
    require_probability(alpha, name="alpha")
    if alternative == "one-sided":
        return noncentral_t_tail(t_quantile(1.0 - alpha, df), df, noncentrality)
    if alternative == "two-sided":
        critical = t_quantile(1.0 - alpha / 2.0, df)
        return noncentral_t_tail(critical, df, noncentrality) + noncentral_t_tail(
            critical, df, -noncentrality
        )
    raise ValueError(f"alternative={alternative!r} is unknown; choose one-sided or two-sided")

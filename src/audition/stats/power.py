"""How much a verdict can see: its power, the gain it detects, and the seeds that settle it.

All of it is for the verdict that is given: the interval adjusted for the family must lie above zero,
and the improvement must reach the smallest gain that counts.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from audition.stats.calculus import Array, bracket, chi_scale_nodes, find_root
from audition.stats.distributions import Sides, require_probability, side_of
from audition.stats.multiplicity import family_critical_value, family_critical_values
from audition.stats.noise import NoiseModel
from audition.stats.spreads import improvements

DRAWS = 1000
"""Simulated campaigns behind a promise; the improvements are integrated, so .01 of power is exact."""
MOST_PEERS, MOST_SIMULATED = 8, 48
"""Ideas and seeds that are simulated; beyond them the errors hardly vary any more."""


def power_at(
    effect: float,
    n: int,
    noise: NoiseModel,
    alpha: float = 0.05,
    *,
    n_baseline: int | None = None,
    sides: Sides = "two",
    family_size: int = 1,
    sesoi: float = 0.0,
) -> float:
    """Chance that an idea with a true gain of `effect` (loss units) is *supported* with `n` seeds.

    At a true gain of `sesoi` that is one half at most, since the improvement must reach it.

    Raises:
        ValueError: alpha that is no chance of error, or unknown sides.
    """
    side = side_of(alpha, sides)
    bars, weights, error = _bars(n, noise, side, n_baseline, family_size)
    return float(weights @ ndtr((effect - np.maximum(bars, sesoi)) / error))


@lru_cache(maxsize=4096)
def minimal_detectable_effect(
    n: int,
    noise: NoiseModel,
    alpha: float = 0.05,
    power: float = 0.8,
    *,
    n_baseline: int | None = None,
    sides: Sides = "two",
    family_size: int = 1,
    sesoi: float = 0.0,
) -> float:
    """The true gain (loss units) that `n` seeds an arm would call *supported* with this power.

    NaN where the noise is unknown, as for own noise from a single seed.

    Raises:
        ValueError: alpha or power outside (0, 1), unknown sides, or power <= alpha.
    """
    side = side_of(alpha, sides)
    require_probability(power, name="power")
    if power <= alpha:
        raise ValueError(f"power={power} is not above alpha={alpha}; even no effect reaches that")
    bars, weights, error = _bars(n, noise, side, n_baseline, family_size)
    hurdles = np.maximum(bars, sesoi)
    start = float(weights @ hurdles)
    if math.isnan(start):
        return math.nan

    def shortfall(effect: float) -> float:
        return float(weights @ ndtr((effect - hurdles) / error)) - power

    low, high = bracket(shortfall, start=start, step=start)
    return find_root(shortfall, low=low, high=high)


@lru_cache(maxsize=4096)
def seeds_needed(
    effect: float,
    noise: NoiseModel,
    alpha: float = 0.05,
    power: float = 0.8,
    *,
    sides: Sides = "two",
    family_size: int = 1,
    sesoi: float = 0.0,
    baseline_seeds: int = 0,
    most: int = 10_000,
) -> int | None:
    """Fewest seeds an arm that have a true `effect` *supported* with this power; None above `most`.

    baseline_seeds: of the baseline that are there already, and used where it has more than the idea.
    No number of seeds does it for an effect of `sesoi` or less.

    Raises:
        ValueError: an effect that is not positive, alpha or power outside (0, 1).
    """
    side = side_of(alpha, sides)
    require_probability(power, name="power")
    if not effect > 0:
        raise ValueError(f"effect={effect} must be a positive gain in loss units")

    def enough(n: int) -> bool:
        asked = {"sides": sides, "family_size": family_size, "sesoi": sesoi}
        nb = max(n, baseline_seeds)
        return power_at(effect, n, noise, alpha, n_baseline=nb, **asked) >= power  # type: ignore[arg-type]

    guess = _roughly(effect, max(effect - sesoi, 0.0), noise, side / family_size, power)
    return fewest(enough, most, guess) if noise.sd_difference > 0 else None


@lru_cache(maxsize=4096)
def seeds_to_settle(
    sesoi: float,
    noise: NoiseModel,
    alpha: float = 0.05,
    power: float = 0.8,
    *,
    sides: Sides = "two",
    family_size: int = 1,
    most: int = 10_000,
) -> int | None:
    """Fewest seeds an arm that tell an idea worth twice `sesoi` from one worth nothing.

    The first is then *supported* and the second *refuted*, each with this power; None above `most`.

    Raises:
        ValueError: a sesoi that is not positive, alpha or power outside (0, 1).
    """
    side = side_of(alpha, sides)
    require_probability(power, name="power")
    if not sesoi > 0:
        raise ValueError(f"sesoi={sesoi} must be a positive gain in loss units")

    def enough(n: int) -> bool:
        found = power_at(
            2.0 * sesoi, n, noise, alpha, sides=sides, family_size=family_size, sesoi=sesoi
        )
        # The interval of no gain lies under `sesoi` as often as that of `sesoi` lies above zero.
        refuted = power_at(sesoi, n, noise, alpha, sides=sides, family_size=family_size)
        return min(found, refuted) >= power

    guess = _roughly(sesoi, sesoi, noise, side / family_size, power)
    return fewest(enough, most, guess) if noise.sd_difference > 0 else None


def _roughly(effect: float, above: float, noise: NoiseModel, side: float, power: float) -> float:
    """Seeds with which normal noise tells an `effect` from nought, or is seldom off by `above`."""
    one = 10.0 * noise.standard_error(100)  # few seeds may have no error
    needed = [(ndtri(1.0 - side) + ndtri(power)) / effect, ndtri(power) / above if above else 0.0]
    return float(one * max(needed)) ** 2


def fewest(enough: Callable[[int], bool], most: int, guess: float = 2.0) -> int | None:
    """The least n from 1 to `most` that is enough, where more always is; NaN is not enough.

    guess: where to look first, since few seeds are the dearest to ask about.
    """
    if not enough(most):
        return None
    high = round(min(max(guess, 2.0), most)) if math.isfinite(guess) else 2
    while not enough(high):
        high = min(2 * high, most)
    low = high // 2
    while low > 1 and enough(low):
        low, high = low // 2, low
    low = max(low, 1)  # it may still be too few: one seed has no own variance
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return low if enough(low) else high


def _bars(
    n: int, noise: NoiseModel, side: float, n_baseline: int | None, family: int
) -> tuple[Array, Array, Array]:
    """Half-widths [k] of the interval that may come out, their probabilities [k], and the true error.

    The improvement is normal with that error [k], whatever the half-width. NaN where the noise is
    unknown.
    """
    nb = n if n_baseline is None else n_baseline
    spread, df = noise.standard_error(n, n_baseline), noise.df_at(n, n_baseline)
    if not (spread > 0 and df >= 1):
        return np.full(1, math.nan), np.ones(1), np.full(1, math.nan)
    has_extra = noise.paired and nb >= n + 2
    if noise.paired and n > 1 and (noise.peers > 1 or has_extra):
        rho = 0.0 if math.isnan(noise.rho) else round(min(max(noise.rho, 0.0), 0.99), 2)
        few = min(n, MOST_SIMULATED)
        total = max(few, round(nb * few / n)) if has_extra else few
        bars, error = _simulated(few, total, min(noise.peers, MOST_PEERS), rho, side, family)
        scale = noise.sd * math.sqrt(few / n)
        return scale * bars, np.full(len(bars), 1.0 / len(bars)), scale * error
    correlation = None if noise.method == "own" else n / (n + nb)
    critical = family_critical_value(side, m=family, df=df, correlation=correlation)
    s, weights = chi_scale_nodes(df)
    return critical * spread * s, weights / weights.sum(), np.asarray(spread)


@lru_cache(maxsize=512)
def _simulated(
    n: int, total: int, peers: int, rho: float, side: float, family: int
) -> tuple[Array, Array]:
    """Half-widths [draws] and errors [draws] in arms of sd 1, by the verdict's own estimates."""
    rng = np.random.default_rng(0)
    seed = math.sqrt(rho) * rng.normal(size=(DRAWS, 1, total))
    # Only the baseline has the extra seeds.
    ideas = seed[..., :n] + math.sqrt(1.0 - rho) * rng.normal(size=(DRAWS, peers + 1, n))
    extra = seed[:, 0, n:] + math.sqrt(1.0 - rho) * rng.normal(size=(DRAWS, total - n))
    baseline = np.concatenate([ideas[:, 0], extra], axis=-1)
    found = improvements(baseline, ideas[:, 1:])
    df, correlation = found.df[:, 0], found.correlation[:, 0]
    if peers > 1:
        critical = family_critical_values(side, m=family, df=df, correlation=correlation)
    else:
        critical = family_critical_values(side / family, m=1, df=df, correlation=correlation)
    c, more = found.weight, max(total - n, 1)
    error = np.sqrt((c**2 + 1.0 - 2.0 * c * rho) / n + (1.0 - c) ** 2 / more)
    return critical * found.error[:, 0], error

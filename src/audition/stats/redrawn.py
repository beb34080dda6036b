"""How often the rules decide for ideas that do nothing, on every few seeds of many alike arms.

A few campaigns hold few comparisons. Arms that are alike and ran the same seeds hold many more: any
few of the seeds, any arm as the baseline, any other as the idea. So a rate that is stated for
normal noise can be told from the rate on the noise that a recipe has.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from audition.stats.calculus import Array
from audition.stats.decisions import decide
from audition.stats.distributions import Sides


@dataclass(frozen=True)
class Redrawn:
    """Shares of all drawn comparisons that got a decision, each with its 95 % interval."""

    passed: tuple[float, tuple[float, float]]  # the card's rule
    better: tuple[float, tuple[float, float]]
    supported: tuple[float, tuple[float, float]]
    comparisons: int


def redraw(
    losses: Array,
    n: int,
    *,
    gain: float = 0.0,
    alpha: float = 0.05,
    sides: Sides = "two",
    sesoi: float | None = None,
    draws: int = 5_000,
    rng: np.random.Generator | None = None,
) -> Redrawn:
    """Decide on `draws` choices of n seeds, for every ordered pair of arms of `losses` [arms, seeds].

    A share is a U-statistic of independent seeds: unbiased whatever their distribution and however
    the arms of a seed move together, with the standard error n / sqrt(seeds) times the sd, between
    seeds, of the mean decision on draws with a seed in them.

    gain: taken off every idea's losses (loss units).
    Source: Hoeffding (1948), Annals of Mathematical Statistics 19, 293, theorem 5.2.

    Raises:
        ValueError: fewer than two arms, no more than n seeds, or a loss that is not finite.
    """
    arms, seeds = losses.shape
    if arms < 2 or not 2 <= n < seeds or not np.isfinite(losses).all():
        raise ValueError(f"{arms} arms on {seeds} seeds hold no finite draws of n={n} seeds")
    rng = np.random.default_rng(0) if rng is None else rng
    chosen = np.argpartition(rng.random((draws, seeds)), n, axis=1)[:, :n]
    drawn = np.moveaxis(losses[:, chosen], 0, 1)  # [draws, arms, n]
    first, second = np.nonzero(~np.eye(arms, dtype=bool))
    made = decide(
        drawn[:, first],
        drawn[:, second] - gain,
        design="paired",
        alpha=alpha,
        sides=sides,
        sesoi=sesoi,
    )
    passed, better, supported = (
        _share(decided.mean(axis=1), chosen, seeds)
        for decided in (made.passed, made.significant, made.supported)
    )
    return Redrawn(passed, better, supported, draws * len(first))


def _share(each: Array, chosen: NDArray[np.int_], seeds: int) -> tuple[float, tuple[float, float]]:
    """The mean of `each` draw's share [draws], and its interval; `chosen` are its seeds [draws, n]."""
    n = chosen.shape[1]
    times = np.bincount(chosen.ravel(), minlength=seeds)
    with_it = np.bincount(chosen.ravel(), weights=np.repeat(each, n), minlength=seeds) / times
    # What the draws with a seed in them scatter adds to the variance between seeds.
    scatter = float(each.var(ddof=1)) * float((1.0 / times).mean())
    between = max(0.0, float(with_it.var(ddof=1)) - scatter)
    share = float(each.mean())
    error = float(np.sqrt(n**2 * between / seeds + each.var(ddof=1) / len(each)))
    reach = float(stdtrit(seeds - 1, 0.975)) * error
    return share, (max(0.0, share - reach), min(1.0, share + reach))

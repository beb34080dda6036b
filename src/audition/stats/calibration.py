"""Calibration: how often the decision rules are wrong about ideas that do nothing."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from audition.stats.calculus import Array
from audition.stats.decisions import Decisions, Replayed, decide, decide_campaign
from audition.stats.distributions import Sides, side_of
from audition.stats.pass_rate import seed_rule_false_pass_rate
from audition.stats.proportion import overlapping_interval, wilson_interval

Indices = NDArray[np.int_]
Decision = Literal["significant", "supported", "passed"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
AT_ONCE = 2_000_000
"""Simulated losses held in memory at one time."""


@dataclass(frozen=True)
class Rate:
    """How often null ideas got a decision: measured with its interval, beside the nominal rate.

    `at_most` says that `nominal` is a ceiling: "supported" also asks for a worthwhile gain.
    """

    decision: Decision
    measured: float
    interval: tuple[float, float]
    nominal: float
    at_most: bool


@dataclass(frozen=True)
class Replay:
    """The rules replayed on `trials` null ideas, or on whole campaigns of `family_size` of them.

    `independent` is the number of trials whose luck is their own: all of the simulated ones, and
    only as many splits of an arm as it holds pairs of groups without a seed in common. `every` says
    that all possible splits were taken, each once.
    """

    design: str
    n: int
    n_baseline: int
    rho: float
    family_size: int
    trials: int
    independent: float
    every: bool
    rates: tuple[Rate, ...]

    def rate(self, decision: Decision) -> Rate:
        """The rate of one decision."""
        return next(rate for rate in self.rates if rate.decision == decision)


def replay_splits(
    pools: Sequence[Array],
    n: int,
    *,
    alpha: float = 0.05,
    sides: Sides = "two",
    sesoi: float | None = None,
    most: int = 20_000,
    rng: np.random.Generator | None = None,
) -> Replay:
    """Split arms [seeds each] into n "baseline" and n "idea" seeds: nothing differs but luck.

    The halves share no seed, so they are compared unpaired, by Welch's test. Every ordered split is
    taken where there are at most `most`; otherwise random shuffles cut into separate pairs. The
    pools must not share seeds: arms on the same seeds share their luck. Pools under 2n are no use.

    Raises:
        ValueError: n under two, no pool of 2n seeds, or a loss that is not finite.
    """
    usable = [pool for pool in pools if len(pool) >= 2 * n]
    if n < 2 or not usable:
        largest = max(map(len, pools), default=0)
        raise ValueError(
            f"n={n}: splitting needs n >= 2 and 2n seeds of one arm, which has {largest}"
        )
    if not all(np.isfinite(pool).all() for pool in usable):
        raise ValueError("a loss is not finite; leave diverged runs out")
    rng = np.random.default_rng(0) if rng is None else rng
    separate = [len(pool) // (2 * n) for pool in usable]
    shares = dict.fromkeys(DECISIONS, 0.0)
    trials, every = 0, True
    for pool, weight in zip(usable, separate, strict=True):
        total = math.comb(len(pool), n) * math.comb(len(pool) - n, n)
        every &= total <= most
        chosen = _all_splits(len(pool), n) if total <= most else _shuffles(len(pool), n, most, rng)
        losses = pool[chosen]  # [splits, 2, n]
        made = decide(
            losses[:, 0], losses[:, 1], design="welch", alpha=alpha, sides=sides, sesoi=sesoi
        )
        trials += len(chosen)
        for decision in DECISIONS:
            shares[decision] += weight / sum(separate) * float(getattr(made, decision).mean())
    independent = sum(separate)
    rates = _rates(
        {d: (shares[d], overlapping_interval(shares[d], independent)) for d in DECISIONS},
        alpha=side_of(alpha, sides),
        rule=seed_rule_false_pass_rate(n),
    )
    return Replay("welch", n, n, 0.0, 1, trials, independent, every, rates)


def simulate_null(
    design: Replayed,
    n: int,
    *,
    n_baseline: int | None = None,
    rho: float = 0.0,
    sd: float = 1.0,
    sesoi: float | None = None,
    alpha: float = 0.05,
    sides: Sides = "two",
    trials: int = 20_000,
    rng: np.random.Generator | None = None,
) -> Replay:
    """One null idea a trial: normal losses of sd `sd`, one seed's two losses correlating by `rho`.

    The idea's seeds are among the baseline's, where rho is not 0.

    Raises:
        ValueError: rho outside [0, 1), no trials, and whatever `decide` raises.
    """
    nb = n if n_baseline is None else n_baseline
    _require_null(rho, trials)
    rng = np.random.default_rng(0) if rng is None else rng
    made = []
    for count in _portions(trials, n + nb):
        seed, own = rng.normal(size=(count, max(n, nb))), rng.normal(size=(count, n + nb))
        baseline = math.sqrt(rho) * seed[:, :nb] + math.sqrt(1.0 - rho) * own[:, :nb]
        idea = math.sqrt(rho) * seed[:, :n] + math.sqrt(1.0 - rho) * own[:, nb:]
        terms: dict[str, Any] = {"alpha": alpha, "sides": sides, "sesoi": sesoi}
        made.append(decide(sd * baseline, sd * idea, design=design, **terms))
    rule = seed_rule_false_pass_rate(n, rho, n_baseline=nb)
    rates = _counted(made, trials, alpha=side_of(alpha, sides), rule=rule)
    return Replay(design, n, nb, rho, 1, trials, trials, False, rates)


def simulate_null_campaign(
    family_size: int,
    n: int,
    *,
    n_baseline: int | None = None,
    rho: float = 0.0,
    sd: float = 1.0,
    sesoi: float | None = None,
    alpha: float = 0.05,
    sides: Sides = "two",
    trials: int = 20_000,
    rng: np.random.Generator | None = None,
) -> Replay:
    """Campaigns of `family_size` null ideas on one baseline: how often any of them is called good.

    All arms run the same seeds and are judged in the block; with `n_baseline` above n the baseline
    has extra ones, and the design is the mixed one.

    Raises:
        ValueError: rho outside [0, 1), no trials, and whatever `decide_campaign` raises.
    """
    nb = n if n_baseline is None else n_baseline
    _require_null(rho, trials)
    design = "block" if nb == n else "mixed"
    rng = np.random.default_rng(0) if rng is None else rng
    made = []
    for count in _portions(trials, nb + family_size * n):
        seed = math.sqrt(rho) * rng.normal(size=(count, max(n, nb)))
        own = math.sqrt(1.0 - rho) * rng.normal(size=(count, nb + family_size * n))
        baseline = sd * (seed[:, :nb] + own[:, :nb])
        ideas = sd * (seed[:, None, :n] + own[:, nb:].reshape(count, family_size, n))
        found = decide_campaign(baseline, ideas, alpha=alpha, sides=sides, sesoi=sesoi)
        made.append(found.any_of_family())
    rule = seed_rule_false_pass_rate(n, rho, family_size, nb)
    rates = _counted(made, trials, alpha=side_of(alpha, sides), rule=rule)
    return Replay(design, n, nb, rho, family_size, trials, trials, False, rates)


def _rates(
    measured: dict[Decision, tuple[float, tuple[float, float]]], *, alpha: float, rule: float
) -> tuple[Rate, ...]:
    return tuple(
        Rate(
            decision,
            *measured[decision],
            nominal=rule if decision == "passed" else alpha,
            at_most=decision == "supported",
        )
        for decision in DECISIONS
    )


def _counted(
    made: Sequence[Decisions], trials: int, *, alpha: float, rule: float
) -> tuple[Rate, ...]:
    counts = {d: sum(int(getattr(part, d).sum()) for part in made) for d in DECISIONS}
    return _rates(
        {d: (count / trials, wilson_interval(count, trials)) for d, count in counts.items()},
        alpha=alpha,
        rule=rule,
    )


def _all_splits(seeds: int, n: int) -> Indices:
    """Every ordered choice of n and n out of `seeds` [splits, 2, n]."""
    whole = range(seeds)
    return np.array(
        [
            (first, second)
            for first in combinations(whole, n)
            for second in combinations([seed for seed in whole if seed not in first], n)
        ]
    )


def _shuffles(seeds: int, n: int, most: int, rng: np.random.Generator) -> Indices:
    """About `most` random splits [splits, 2, n], from shuffles that are each used up in full."""
    separate = seeds // (2 * n)
    orders = rng.permuted(np.tile(np.arange(seeds), (max(1, most // separate), 1)), axis=1)
    return orders[:, : separate * 2 * n].reshape(-1, 2, n)


def _portions(trials: int, losses_a_trial: int) -> Iterable[int]:
    most = max(1, AT_ONCE // losses_a_trial)
    return [min(most, trials - done) for done in range(0, trials, most)]


def _require_null(rho: float, trials: int) -> None:
    if not 0.0 <= rho < 1.0 or trials < 1:
        raise ValueError(f"rho={rho}, trials={trials}: choose rho from 0 up to 1 and trials >= 1")

"""How often the verdict errs in campaigns of ideas that do nothing, arms equally noisy or not.

    python -m scripts.verdict_rates --trials 5000

Each line is a cell: the chance that any interval of the family misses zero (two-sided, stated .05),
by the verdict and by one noise for all arms (the rule before 0.5), and the power for true gains of
3 and 4 standard errors of a paired difference where all arms are equally noisy.
"""

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from audition.stats.calculus import Array
from audition.stats.moments import moments, pooled_sd
from audition.stats.multiplicity import dunnett_critical_value, family_critical_values
from audition.stats.noise import fit_block
from audition.stats.spreads import improvements

SIDE = 0.025
CELLS: Mapping[str, Mapping[str, Any]] = {
    "all arms equally noisy": {},
    "ideas 3 × noisier": {"ideas": 3.0},
    "baseline 3 × noisier": {"baseline": 3.0},
    "one idea 3 × noisier": {"first": 3.0},
    "log-normal spreads (0.5)": {"spread": 0.5},
    "t₃ tails": {"tails": 3},
}
Rule = Callable[[Array, Array], tuple[Array, Array]]
"""Losses [trials, N] and [trials, ideas, n] -> improvements and half-widths [trials, ideas]."""


def campaigns(
    rng: np.random.Generator,
    trials: int,
    m: int,
    n: int,
    total: int,
    rho: float,
    *,
    baseline: float = 1.0,
    ideas: float = 1.0,
    first: float | None = None,
    spread: float = 0.0,
    tails: int = 0,
) -> tuple[Array, Array]:
    """Losses of campaigns without any effect; sds are those of what the seeds do not share."""
    sds = np.full((trials, m + 1, 1), ideas)
    sds[:, 0] = baseline
    if first is not None:
        sds[:, 1] = first
    sds = sds * np.exp(spread * rng.normal(size=sds.shape))
    shape = (trials, m + 1, total)
    noise = rng.standard_t(tails, size=shape) / math.sqrt(3) if tails else rng.normal(size=shape)
    seed = math.sqrt(rho) * rng.normal(size=(trials, 1, total))
    losses = seed + math.sqrt(1.0 - rho) * sds * noise
    return losses[:, 0], losses[:, 1:, :n]


def verdict(baseline: Array, ideas: Array) -> tuple[Array, Array]:
    """The rule of the verdict."""
    found = improvements(baseline, ideas)
    m = ideas.shape[-2]
    critical = family_critical_values(SIDE, m=m, df=found.df, correlation=found.correlation)
    return found.gain, critical * found.error


def one_noise(baseline: Array, ideas: Array) -> tuple[Array, Array]:
    """One noise for all arms: the block, or unpaired where the baseline has extra seeds."""
    (m, n), total = ideas.shape[-2:], baseline.shape[-1]
    if total == n:
        block = fit_block(np.concatenate([baseline[:, None], ideas], axis=-2))
        error, df = np.sqrt(2.0 * block.ms_residual / n), block.df
    else:
        arms = (moments(baseline), *(moments(ideas[:, i]) for i in range(m)))
        error = pooled_sd(*arms) * math.sqrt(1.0 / n + 1.0 / total)
        df = total - 1 + m * (n - 1)
    critical = dunnett_critical_value(SIDE, m=m, df=df, correlation=n / (n + total))
    gain = baseline.mean(axis=-1)[:, None] - ideas.mean(axis=-1)
    return gain, np.broadcast_to((critical * error)[:, None], gain.shape)


def rate(rule: Rule, losses: tuple[Array, Array]) -> float:
    """The share of campaigns in which any interval misses zero."""
    gain, half_width = rule(*losses)
    return float((np.abs(gain) > half_width).any(axis=-1).mean())


def power(rule: Rule, losses: tuple[Array, Array], rho: float, errors: float) -> float:
    """Chance that an idea's interval lies above zero, for a gain of `errors` standard errors."""
    gain, half_width = rule(*losses)
    true = errors * math.sqrt(2.0 * (1.0 - rho) / losses[1].shape[-1])
    return float((gain + true > half_width).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trials", type=int, default=5000)
    trials = parser.parse_args().trials
    print("| seeds, baseline's, ρ | cell | 1 idea | 5 ideas | 20 ideas |\n|---|---|---|---|---|")
    designs = [(3, 3, 0.5), (5, 5, 0.5), (8, 8, 0.5), *((3, 8, r) for r in (0.0, 0.5, 0.9, 0.99))]
    for n, total, rho in designs:
        for name, cell in CELLS.items():
            shown = []
            for m in (1, 5, 20):
                rng = np.random.default_rng(1000 * m + 10 * n + total)
                losses = campaigns(rng, trials, m, n, total, rho, **cell)
                text = f"{rate(one_noise, losses):.3f} → {rate(verdict, losses):.3f}"
                if not cell:
                    powers = [
                        " ".join(f"{power(rule, losses, rho, e):.2f}" for e in (3, 4))
                        for rule in (one_noise, verdict)
                    ]
                    text += f" (power {powers[0]} → {powers[1]})"
                shown.append(text)
            print(f"| {n}, {total}, {rho:g} | {name} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()

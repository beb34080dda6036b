"""The seeds-by-arms block: what is left of the losses once arms and seeds are accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audition.stats.arms import Arm, Seed
from audition.stats.quadrature import Array


@dataclass(frozen=True)
class Block:
    """The additive model loss = arm + seed + residual on a complete table of arms and seeds."""

    ms_seed: float
    ms_residual: float
    df: int
    df_seed: int


def fit_block(losses: Array) -> Block:
    """Mean squares of a complete table of losses [arms, seeds].

    Source: randomized complete block, e.g. Montgomery, Design and Analysis of Experiments, ch. 4.

    Raises:
        ValueError: fewer than two arms or two seeds.
    """
    arms, seeds = losses.shape
    if arms < 2 or seeds < 2:
        raise ValueError(f"a block needs two arms and two seeds, got {arms} and {seeds}")
    # Centring first keeps the digits that a large common offset would cost.
    centred = losses - losses.mean()
    by_arm = centred.mean(axis=1, keepdims=True)
    by_seed = centred.mean(axis=0, keepdims=True)
    residual = centred - by_arm - by_seed
    df = (arms - 1) * (seeds - 1)
    return Block(
        ms_seed=float(arms * (by_seed**2).sum() / (seeds - 1)),
        ms_residual=float((residual**2).sum() / df),
        df=df,
        df_seed=seeds - 1,
    )


def block_table(arms: Sequence[Arm], *, seeds: Sequence[Seed]) -> Array:
    """Losses [arms, seeds] of arms that all ran these seeds."""
    return np.array([arm.restricted_to(seeds).losses for arm in arms], dtype=float)

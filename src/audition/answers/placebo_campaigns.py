"""Campaigns of placebos as the ledger holds them: their losses, and what noise they have."""

import math
from collections.abc import Hashable, Mapping, Sequence
from statistics import fmean

import numpy as np

from audition.answers.arms import ArmRuns
from audition.records.placebos import PlaceboCampaigns
from audition.stats import NoiseModel, estimate_noise, paired_t
from audition.stats.calculus import Array
from audition.stats.rules import Campaign, Entry, Runs


def campaigns(arms: Mapping[str, ArmRuns], layout: PlaceboCampaigns) -> tuple[list[Campaign], int]:
    """The campaigns that have all runs of the arms as they come; and how many are left out.

    Left out are those whose baseline diverged. Where a run at another value of the tuned key is
    missing, a campaign is without all of them.
    """
    found, diverged = [], 0
    known = {key: arm.losses for key, arm in arms.items()}
    for screening, fresh in layout.groups():
        seeds = (*screening, *fresh)
        tries = [[known.get(key, {}) for key in arm.config_hashes] for arm in layout.arms]
        whole = [all(_has(each[k], seeds) for each in tries) for k in range(len(tries[0]))]
        if not whole[0]:
            continue
        used = len(whole) if all(whole) else 1
        first, *others = (
            Entry(tuple({seed: float(runs[seed] or 0.0) for seed in seeds} for runs in each[:used]))
            for each in tries
        )
        if all(math.isfinite(loss) for runs in first.tries for loss in runs.values()):
            found.append(Campaign(first, tuple(others), screening, fresh))
        else:
            diverged += 1
    return found, diverged


def _has(runs: Mapping[Hashable, float | None], seeds: Sequence[int]) -> bool:
    return all(runs.get(seed) is not None for seed in seeds)


def noise_of_placebos(whole: Sequence[Campaign]) -> NoiseModel:
    """The noise of all campaigns together: every arm on every seed, each as it comes."""
    return estimate_noise(dict(arms_on_all_seeds(whole)), method="block")


def arms_on_all_seeds(whole: Sequence[Campaign]) -> list[tuple[str, Runs]]:
    """The baseline and each placebo as it comes, on the seeds of all campaigns."""
    rows = [[each.baseline, *each.ideas] for each in whole]
    joined = (
        {s: x for entry in arm for s, x in entry.tries[0].items()}
        for arm in zip(*rows, strict=True)
    )
    return [("baseline" if not k else f"d{k}", runs) for k, runs in enumerate(joined)]


def table_of(whole: Sequence[Campaign]) -> Array:
    """Losses [arms, seeds] of all arms as they come, on the seeds where none diverged."""
    losses = np.array([list(runs.values()) for _, runs in arms_on_all_seeds(whole)], dtype=float)
    return losses[:, np.isfinite(losses).all(axis=0)]


def shape_of(losses: Array) -> tuple[float, float]:
    """Skewness and excess kurtosis of losses [arms, seeds] about each arm's mean."""
    apart = losses - losses.mean(axis=1, keepdims=True)
    scale = float(np.sqrt((apart**2).mean()))
    if not scale:
        return math.nan, math.nan
    return float((apart**3).mean()) / scale**3, float((apart**4).mean()) / scale**4 - 3.0


def mean_gain(whole: Sequence[Campaign]) -> tuple[float, tuple[float, float]]:
    """What all placebos gained on average over all seeds, with its 95 % interval: it should hold 0."""
    (_, baseline), *placebos = arms_on_all_seeds(whole)
    means = {seed: fmean(runs[seed] for _, runs in placebos) for seed in baseline}
    finite = [seed for seed in baseline if math.isfinite(means[seed])]
    found = paired_t({s: baseline[s] for s in finite}, {s: means[s] for s in finite})
    return found.estimate, found.ci()

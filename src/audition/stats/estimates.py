"""Estimates the ideas' improvements of a campaign together, each with the ideas that ran its seeds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from audition.stats.arms import Arm, shared_seeds
from audition.stats.comparison import DesignName
from audition.stats.design import has_extra_baseline_seeds, missing_warnings
from audition.stats.moments import ROUNDING
from audition.stats.noise import usable_arms
from audition.stats.spreads import improvements
from audition.stats.t_tests import TTest


@dataclass(frozen=True)
class Estimate:
    """An improvement with its error, the runs it rests on, and how its error goes with others'.

    correlation: with another idea's improvement, for Dunnett's test; None where the idea stands on
    its own spread. weight: of the shared seeds in the baseline's mean.
    """

    test: TTest
    design: DesignName
    baseline: Arm
    idea: Arm
    correlation: float | None
    warnings: tuple[str, ...] = ()


def estimates(baseline: Arm, ideas: Mapping[str, Arm]) -> dict[str, Estimate]:
    """The estimates of the ideas that can be compared with others' help: name -> estimate.

    Those are the ideas that share two seeds with the baseline, and one other idea's seeds or a
    baseline with extra ones. An idea that lacks a seed is estimated on the seeds it has, together
    with those that ran them too. Left out are arms that diverged, did not vary, or copy the
    baseline: they stand alone, or show a fault.
    """
    usable = usable_arms({"": baseline, **{f"={name}": arm for name, arm in ideas.items()}})
    if "" not in usable:
        return {}
    able = {name[1:]: arm for name, arm in usable.items() if name}
    found: dict[str, Estimate] = {}
    for name, arm in able.items():
        if name not in found:
            seeds = shared_seeds(baseline, arm)
            beside = baseline.by_seed if has_extra_baseline_seeds(baseline, arm) else ()
            extra = [seed for seed in beside if seed not in arm.by_seed]
            peers = {n: a for n, a in able.items() if all(seed in a.by_seed for seed in seeds)}
            if len(seeds) < 2 or (len(peers) < 2 and not extra):
                continue
            used = baseline.restricted_to([*seeds, *extra])
            for peer, estimate in _together(used, peers, seeds).items():
                same = set(shared_seeds(baseline, able[peer])) == set(seeds)
                if same and has_extra_baseline_seeds(baseline, able[peer]) == bool(extra):
                    found[peer] = estimate
    return found


def _together(
    baseline: Arm, ideas: Mapping[str, Arm], seeds: tuple[object, ...]
) -> dict[str, Estimate]:
    arms = {name: arm.restricted_to(seeds) for name, arm in ideas.items()}
    losses = np.array([arm.losses for arm in arms.values()], dtype=float)
    # Centring keeps the digits that a large common offset would cost.
    centre = losses.mean()
    found = improvements(np.array(baseline.losses) - centre, losses - centre)
    alone = len(arms) == 1
    design: DesignName = "mixed" if baseline.n > len(seeds) else "block"
    weight = float(found.weight)
    said = (
        (
            f"The baseline's mean takes {weight:.0%} from the seeds that the idea ran too and "
            f"{1 - weight:.0%} from its {baseline.n - len(seeds)} extra ones.",
        )
        if design == "mixed"
        else ()
    )
    return {
        name: Estimate(
            TTest(float(found.gain[i]), float(found.error[i]), float(found.df[i])),
            design,
            baseline,
            arm,
            None if alone else float(found.correlation[i]),
            said if design == "mixed" else missing_warnings(baseline, ideas[name]),
        )
        for i, (name, arm) in enumerate(arms.items())
        if found.error[i] > ROUNDING * np.abs(losses).max()
    }

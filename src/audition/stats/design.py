"""The design of a comparison: which seeds are used, and whether they are compared one by one."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from audition.stats.arms import Arm, shared_seeds
from audition.stats.comparison import DesignName
from audition.stats.noise import NoiseModel

Wanted = Literal["auto", "paired", "pooled", "welch"]
WANTED: tuple[Wanted, ...] = get_args(Wanted)


@dataclass(frozen=True)
class Design:
    """The chosen design, and both arms cut to the seeds it uses."""

    name: DesignName
    baseline: Arm
    idea: Arm
    warnings: tuple[str, ...] = ()

    @property
    def is_paired(self) -> bool:
        """Whether losses are compared seed by seed."""
        return self.name in ("block", "mixed", "moderated", "paired")


def choose_design(
    baseline: Arm, idea: Arm, *, noise: NoiseModel | None, wanted: Wanted = "auto"
) -> Design:
    """Choose in the order declared before the runs.

    A campaign's paired noise -> its block; extra baseline seeds, or a campaign's unpaired noise ->
    pooled, unpaired; two shared seeds -> paired; else Welch. Where a seed is missing in one arm,
    pairs are made by seed id on the seeds both have, and a warning says so.

    Raises:
        ValueError: an unknown design, or a paired one without a shared seed.
    """
    if wanted not in WANTED:
        raise ValueError(f"design={wanted!r} is unknown; choose {', '.join(WANTED)}")
    name = _choose(baseline, idea, noise) if wanted == "auto" else wanted
    design = Design(name, baseline, idea)
    if not design.is_paired:
        return replace(design, warnings=_unpaired_warnings(baseline, idea))
    seeds = shared_seeds(baseline, idea)
    if not seeds:
        raise ValueError("design='paired' needs a seed that both arms ran; choose welch or pooled")
    return Design(
        name,
        baseline.restricted_to(seeds),
        idea.restricted_to(seeds),
        missing_warnings(baseline, idea),
    )


def has_extra_baseline_seeds(baseline: Arm, idea: Arm) -> bool:
    """Whether the baseline was deliberately run on more seeds than the idea.

    One seed more, or a seed the idea is recorded to have missed, is a crash and not a plan.
    """
    if baseline.seeds is None or idea.seeds is None or idea.missing or not idea.n:
        return False
    extra = set(baseline.seeds) - set(idea.seeds)
    return len(extra) >= 2 and set(idea.seeds) < set(baseline.seeds)


def _choose(baseline: Arm, idea: Arm, noise: NoiseModel | None) -> DesignName:
    shared = len(shared_seeds(baseline, idea))
    if noise is not None and noise.method != "own":
        if noise.paired and shared:
            return "moderated" if noise.method == "moderated" else "block"
        return "pooled"
    if idea.n < 2 and shared:
        return "paired"
    if has_extra_baseline_seeds(baseline, idea):
        return "pooled"
    return "paired" if shared >= 2 else "welch"


def _unpaired_warnings(baseline: Arm, idea: Arm) -> tuple[str, ...]:
    if baseline.seeds is None or idea.seeds is None:
        return ("The losses came without seed ids, so they are compared unpaired.",)
    shared = len(shared_seeds(baseline, idea))
    if not shared:
        return ("The arms share no seed, so they are compared unpaired.",)
    if set(baseline.seeds) == set(idea.seeds):
        return ()
    return (
        f"The arms share {shared} of {baseline.n} baseline and {idea.n} idea seeds; all runs are "
        "used, unpaired.",
    )


def missing_warnings(baseline: Arm, idea: Arm) -> tuple[str, ...]:
    absent = []
    for name, arm, other in (("idea", idea, baseline), ("baseline", baseline, idea)):
        wanted = [seed for seed in (*other.by_seed, *arm.missing) if seed not in arm.by_seed]
        if wanted:
            listed = ", ".join(str(seed) for seed in dict.fromkeys(wanted))
            absent.append(f"the {name} has no result for seed {listed}")
    if not absent:
        return ()
    shared = len(shared_seeds(baseline, idea))
    return (
        f"Missing seeds: {' and '.join(absent)}. Only seeds that both arms ran are "
        f"compared ({shared}); run the missing ones again to use them all.",
    )

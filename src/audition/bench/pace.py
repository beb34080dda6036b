"""Seconds that planned runs take beside each other on this machine: each kind is timed for a second."""

from collections.abc import Mapping, Sequence
from typing import Any

from audition.bench.rig import Rig, rig
from audition.bench.survey import arm_cost
from audition.bench.trial import Timing, Trial, Unmeasured
from audition.errors import AuditionError
from audition.measured import workload
from audition.sweep.derived import trained_settings
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import PoolSettings

SECONDS = 1.0
"""Of training, that each kind of step is timed for."""
DEPLOYING = 3
"""Passes over the held-out rows that making and judging a deployed model is counted as."""


def timed(runs: Sequence[PlannedRun], pool: PoolSettings) -> dict[str, float]:
    """Config hash -> seconds of one of the arm's runs, as many at once as `pool` has.

    Arms whose steps cost the same, by `measured.workload`, are timed once. Raises AuditionError
    where one cannot be timed.
    """
    arms = {run.identity.config_hash: run for run in runs}
    found: dict[str, float] = {}
    timings: dict[str, Timing] = {}
    with rig(SECONDS) as timer:
        for key, run in arms.items():
            settings = trained_settings(run.settings) if run.deployed else run.settings
            load = workload(settings)
            if load not in timings:
                timings[load] = _timing(timer, run.arm.name, settings, pool)
            found[key] = _seconds(run, settings, timings[load])
    return found


def _timing(timer: Rig, arm: str, settings: Mapping[str, Any], pool: PoolSettings) -> Timing:
    trial = Trial(
        label=f"arm {arm}",
        settings=settings,
        workers=pool.workers,
        gpus=pool.gpus,
        runs_per_gpu=pool.runs_per_gpu,
        evaluate=True,
    )
    try:
        several = timer(trial)
    except Unmeasured as why:
        raise AuditionError(f"{trial.label} cannot be timed: {why}") from None
    return min(several, key=lambda timing: timing.units_per_s)


def _seconds(run: PlannedRun, settings: Mapping[str, Any], timing: Timing) -> float:
    if run.deployed:
        return timing.start_s + DEPLOYING * timing.evaluation_s
    return arm_cost(run.arm.name, settings, timing, 1).run()[0]

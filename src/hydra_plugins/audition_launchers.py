"""Audition's launchers in Hydra: this machine's pool, and a Slurm cluster.

Hydra imports every module of this namespace at start-up, so nothing heavy is imported up here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Interval
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from audition.sweep.cluster.settings import Cluster

if TYPE_CHECKING:
    from audition.sweep.plan import PlannedRun
    from audition.sweep.pool import PoolSettings


class PoolLauncher(Launcher):
    """Runs on this machine, one child process each, from a server that has torch imported.

    Args:
        workers: runs at once; null means as many as `audition bench` found best on this machine,
            or else as the cores (or GPU slots) hold.
        runs_per_gpu: runs that share one GPU; null means as many as `audition bench` found best
            for these runs, or else 1.
        timeout_minutes: a run that takes longer is filed as failed; null never ends one.
    """

    def __init__(
        self,
        *,
        workers: Annotated[int, Gt(0)] | None = None,
        runs_per_gpu: Annotated[int, Interval(gt=0, le=64)] | None = None,
        timeout_minutes: Annotated[float, Gt(0)] | None = None,
    ) -> None:
        self.workers = workers
        self.runs_per_gpu = runs_per_gpu
        self.timeout_minutes = timeout_minutes

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config = config

    def pool_settings(self, runs: "Sequence[PlannedRun]" = ()) -> "PoolSettings":
        """The pool for `runs`, which have the threads and the device that the config names."""
        from audition.sweep.local import pool_settings

        return pool_settings(
            self.config.execution,
            workers=self.workers,
            runs_per_gpu=self.runs_per_gpu,
            timeout_minutes=self.timeout_minutes,
            cache_dir=self.config.paths.cache_dir,
            runs=runs,
        )

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """For another sweeper than ours: each job is planned and filed like a single run."""
        from audition.sweep.single import launch_all

        return launch_all(job_overrides, self.config.hydra, self.pool_settings())


@dataclass(frozen=True, kw_only=True)
class SlurmLauncher(Cluster, Launcher):
    """Runs as an array of Slurm jobs, by submitit; the settings are those of `Cluster`."""

    jobs: Cluster = field(init=False, repr=False)
    config: DictConfig = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # `setup` is shell lines to submitit and a method to Hydra: the settings get their own object.
        self.__dict__["jobs"] = Cluster(**self.__dict__)
        del self.__dict__["setup"]

    def setup(  # type: ignore[override, misc]
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.__dict__["config"] = config

    def cluster(self) -> Cluster:
        """How runs become jobs."""
        return self.jobs

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """For another sweeper than ours: each job is planned and filed like a single run."""
        from audition.sweep.single import submit_all

        return submit_all(job_overrides, self.config.hydra, self.jobs)

"""Audition's doors in Hydra: the default sweeper, the local pool, and campaigns in `sweeps/`.

Hydra imports every module of this namespace at start-up, so nothing heavy is imported up here.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.object_type import ObjectType
from hydra.core.utils import JobReturn
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from audition.sweep.pool import PoolSettings


class AuditionSweeper(Sweeper):
    """Pairs every arm with its baseline, runs what is missing, and prints the verdict.

    Args:
        params: overrides of a campaign, as on the command line.
    """

    def __init__(self, *, params: Mapping[str, Any] | None = None) -> None:
        self.params = dict(params or {})

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def sweep(self, arguments: list[str]) -> None:
        from audition.sweep.sweeper import sweep

        assert self.hydra_context is not None
        assert self.config is not None
        sweep(
            arguments,
            self.params,
            hydra_context=self.hydra_context,
            task_function=self.task_function,
            config=self.config,
        )


class PoolLauncher(Launcher):
    """Runs on this machine, one child process each, from a server that has torch imported.

    Args:
        workers: runs at once; null means as many as the cores (or GPU slots) hold.
        runs_per_gpu: runs that share one GPU.
        timeout_minutes: a run that takes longer is filed as failed; null never ends one.
    """

    def __init__(
        self,
        *,
        workers: Annotated[int, Gt(0)] | None = None,
        runs_per_gpu: Annotated[int, Gt(0)] = 1,
        timeout_minutes: Annotated[float, Gt(0)] | None = None,
    ) -> None:
        self.workers = workers
        self.runs_per_gpu = runs_per_gpu
        self.timeout_minutes = timeout_minutes

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config = config

    def pool_settings(self) -> "PoolSettings":
        """The pool for runs of the threads and on the device that the config names."""
        from audition.sweep.local import pool_settings

        execution = self.config.execution
        return pool_settings(
            threads=execution.threads,
            device=execution.device,
            workers=self.workers,
            runs_per_gpu=self.runs_per_gpu,
            timeout_minutes=self.timeout_minutes,
        )

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """For another sweeper than ours: each job is planned and filed like a single run."""
        from audition.sweep.single import launch_all

        return launch_all(job_overrides, self.config.hydra, self.pool_settings())


class SweepsSource(FileConfigSource):
    """`sweeps:FOLDER` in the search path: the yaml files of a folder, as the group `sweeps`."""

    @staticmethod
    def scheme() -> str:
        return "sweeps"

    def load_config(self, config_path: str) -> ConfigResult:
        return super().load_config(self._inside(config_path))

    def is_group(self, config_path: str) -> bool:
        return config_path in ("", "sweeps")

    def is_config(self, config_path: str) -> bool:
        return config_path.startswith("sweeps/") and super().is_config(self._inside(config_path))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        return super().list("", results_filter) if config_path == "sweeps" else []

    @staticmethod
    def _inside(config_path: str) -> str:
        return config_path.removeprefix("sweeps/")

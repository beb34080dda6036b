"""Audition's doors in Hydra: the default sweeper, the local pool, and campaigns in `sweeps/`.

Hydra imports every module of this namespace at start-up, so nothing heavy is imported up here.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
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
    from audition.sweep.sweeper import Style


class AuditionSweeper(Sweeper):
    """Pairs every arm with its baseline, runs what is missing, and prints the verdict.

    Args:
        params: overrides of a campaign, as on the command line.
        arms: further arms of a campaign, each a line of overrides.
    """

    def __init__(
        self, *, params: Mapping[str, Any] | None = None, arms: Sequence[str] | None = None
    ) -> None:
        self.params = dict(params or {})
        self.arms = list(arms or ())

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def style(self) -> "Style":
        """How the runs are spent."""
        from audition.sweep.sweeper import EveryRun

        return EveryRun()

    def sweep(self, arguments: list[str]) -> None:
        from audition.sweep.sweeper import sweep

        assert self.hydra_context is not None
        assert self.config is not None
        sweep(
            arguments,
            self.params,
            self.arms,
            self.style(),
            hydra_context=self.hydra_context,
            task_function=self.task_function,
            config=self.config,
        )


class RaceSweeper(AuditionSweeper):
    """Spends fewer runs on many ideas: screening seeds drop most, fresh seeds judge the rest.

    Args:
        params: overrides of a campaign, as on the command line.
        arms: further arms of a campaign, each a line of overrides.
        fresh_seeds: seeds that judge the survivors, beside the screening seeds `seed=...`.
        drop_below: mean gain over the screening seeds under which an idea is dropped, in standard
            deviations of a same-seed difference.
    """

    def __init__(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        arms: Sequence[str] | None = None,
        fresh_seeds: Annotated[int, Gt(1)] = 5,
        drop_below: float = 0.58,
    ) -> None:
        super().__init__(params=params, arms=arms)
        self.fresh_seeds = fresh_seeds
        self.drop_below = drop_below

    def style(self) -> "Style":
        from audition.sweep.race_style import RaceStyle

        return RaceStyle(self.fresh_seeds, self.drop_below)


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

        return pool_settings(
            self.config.execution,
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

    def available(self) -> bool:
        return True  # a folder without campaigns is nothing to warn of

    def is_group(self, config_path: str) -> bool:
        return config_path == "" or (config_path == "sweeps" and os.path.isdir(self.path))

    def is_config(self, config_path: str) -> bool:
        return config_path.startswith("sweeps/") and super().is_config(self._inside(config_path))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        if config_path != "sweeps" or results_filter == ObjectType.GROUP:
            return []
        return sorted(path.stem for path in Path(self.path).glob("*.yaml"))

    @staticmethod
    def _inside(config_path: str) -> str:
        return config_path.removeprefix("sweeps/")

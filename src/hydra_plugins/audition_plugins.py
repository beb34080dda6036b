"""Audition's doors in Hydra: the default sweeper, the local pool, and campaigns in `sweeps/`.

Hydra imports every module of this namespace at start-up, so nothing heavy is imported up here.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.object_type import ObjectType
from hydra.core.utils import JobReturn
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from audition.sweep.cluster.settings import Cluster
    from audition.sweep.plan import PlannedRun
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


class SearchSweeper(AuditionSweeper):
    """Asks for trials one by one, and judges the best of them on fresh seeds against the default.

    Args:
        params: overrides of a campaign, as on the command line.
        arms: a search has none.
        space: key: {low, high, log, step}, a list of choices, or {choice: {key: ...}}.
        trials: in all, whichever processes serve the study.
        objectives: metrics or facts of a record, all made small; the first is the one judged.
        sampler: tpe, random, qmc, gp, nsga2 or grid.
        sampler_seed: of the process that makes the study; others derive theirs from it.
        pruner: auto, wilcoxon, median, hyperband or none.
        prune_p: Wilcoxon's p under which a trial is given up between two seeds.
        study: its name; null makes one from what is asked, so that the same command goes on.
        storage: null for a journal file beside the ledger, or postgresql://USER@HOST/DATABASE.
        known: points tried after the default, each a line of overrides.
        candidates: best trials that are run on fresh seeds.
        fresh_seeds: how many those are.
        write: name of an experiment that the answer is written to.
    """

    def __init__(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        arms: Sequence[str] | None = None,
        space: Mapping[str, Any] | None = None,
        trials: Annotated[int, Gt(0)] = 40,
        objectives: Sequence[str] = ("val_loss",),
        sampler: str = "tpe",
        sampler_seed: int = 0,
        pruner: str = "auto",
        prune_p: float = 0.3,
        study: str | None = None,
        storage: str | None = None,
        known: Sequence[str] | None = None,
        candidates: Annotated[int, Ge(0)] = 2,
        fresh_seeds: Annotated[int, Gt(1)] = 5,
        write: str | None = None,
    ) -> None:
        super().__init__(params=params, arms=arms)
        self.settings: dict[str, Any] = {
            "space": space,
            "trials": trials,
            "objectives": tuple(objectives),
            "sampler": sampler,
            "sampler_seed": sampler_seed,
            "pruner": pruner,
            "prune_p": prune_p,
            "study": study,
            "storage": storage,
            "known": tuple(known or ()),
            "candidates": candidates,
            "fresh_seeds": fresh_seeds,
            "write": write,
        }

    def sweep(self, arguments: list[str]) -> None:
        from audition.sweep.search.search import search
        from audition.sweep.search.wanted import Wanted

        assert self.hydra_context is not None
        assert self.config is not None
        space = self.settings["space"]
        plain = OmegaConf.to_container(space) if isinstance(space, DictConfig) else space
        search(
            arguments,
            self.params,
            self.arms,
            Wanted(**{**self.settings, "space": plain}),
            hydra_context=self.hydra_context,
            task_function=self.task_function,
            config=self.config,
        )


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
        runs_per_gpu: Annotated[int, Gt(0)] | None = None,
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


class SlurmLauncher(Launcher):
    """Runs as an array of Slurm jobs, by submitit; its settings keep submitit's names.

    Args:
        submitit_folder: job scripts and logs; compute nodes must see it.
        runs_per_job: runs that one job does, as many at once as its cores or GPUs hold.
        runs_per_gpu: runs that share one GPU; null means 1, or what `audition bench` measured.
        timeout_min: of a job, which is then put back into the queue and goes on from checkpoints.
        max_num_timeout: how often that may happen.
        signal_delay_s: warning before the time is up, for checkpoints.
        cpus_per_task: cores of a job.
        mem_gb: memory of a job.
        array_parallelism: jobs that run at once.
        setup: shell lines before the job starts.
        additional_parameters: what sbatch knows and submitit does not, e.g. {mail-user: me}.
    """

    def __init__(
        self,
        *,
        submitit_folder: str,
        runs_per_job: Annotated[int, Gt(0)] = 1,
        runs_per_gpu: Annotated[int, Gt(0)] | None = None,
        name: str = "audition",
        timeout_min: Annotated[int, Gt(0)] = 240,
        max_num_timeout: Annotated[int, Ge(0)] = 20,
        signal_delay_s: Annotated[int, Ge(0)] = 120,
        cpus_per_task: Annotated[int, Gt(0)] | None = None,
        mem_gb: Annotated[float, Gt(0)] | None = None,
        gpus_per_node: Annotated[int, Ge(0)] | None = None,
        gpus_per_task: Annotated[int, Ge(0)] | None = None,
        cpus_per_gpu: Annotated[int, Gt(0)] | None = None,
        mem_per_gpu: str | None = None,
        mem_per_cpu: str | None = None,
        gres: str | None = None,
        partition: str | None = None,
        qos: str | None = None,
        account: str | None = None,
        constraint: str | None = None,
        exclude: str | None = None,
        comment: str | None = None,
        array_parallelism: Annotated[int, Gt(0)] = 256,
        stderr_to_stdout: bool = False,
        setup: Sequence[str] | None = None,
        additional_parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = submitit_folder
        self.runs_per_job = runs_per_job
        self.runs_per_gpu = runs_per_gpu
        self.max_num_timeout = max_num_timeout
        self.array_parallelism = array_parallelism
        given = {
            "name": name,
            "timeout_min": timeout_min,
            "signal_delay_s": signal_delay_s,
            "cpus_per_task": cpus_per_task,
            "mem_gb": mem_gb,
            "gpus_per_node": gpus_per_node,
            "gpus_per_task": gpus_per_task,
            "cpus_per_gpu": cpus_per_gpu,
            "mem_per_gpu": mem_per_gpu,
            "mem_per_cpu": mem_per_cpu,
            "gres": gres,
            "partition": partition,
            "qos": qos,
            "account": account,
            "constraint": constraint,
            "exclude": exclude,
            "comment": comment,
            "stderr_to_stdout": stderr_to_stdout,
            "setup": None if setup is None else list(setup),
            "additional_parameters": dict(additional_parameters or {}),
        }
        self.settings = {name: value for name, value in given.items() if value is not None}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config = config

    def cluster(self) -> "Cluster":
        """How runs become jobs."""
        from audition.sweep.cluster.settings import Cluster

        return Cluster(
            settings=self.settings,
            folder=self.folder,
            runs_per_job=self.runs_per_job,
            runs_per_gpu=self.runs_per_gpu,
            max_num_timeout=self.max_num_timeout,
            array_parallelism=self.array_parallelism,
        )

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """For another sweeper than ours: each job is planned and filed like a single run."""
        from audition.sweep.single import submit_all

        return submit_all(job_overrides, self.config.hydra, self.cluster())


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

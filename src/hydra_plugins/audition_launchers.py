"""Audition's launchers in Hydra: this machine's pool, and a Slurm cluster.

Hydra imports every module of this namespace at start-up, so nothing heavy is imported up here.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Interval
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from audition.sweep.cluster.settings import Cluster
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
        servers: jobs that serve a search; each makes as many runs at once as its cores or GPUs hold.
        setup: shell lines before the job starts.
        additional_parameters: what sbatch knows and submitit does not, e.g. {mail-user: me}.
    """

    def __init__(
        self,
        *,
        submitit_folder: str,
        runs_per_job: Annotated[int, Gt(0)] = 1,
        runs_per_gpu: Annotated[int, Interval(gt=0, le=64)] | None = None,
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
        servers: Annotated[int, Gt(0)] = 4,
        stderr_to_stdout: bool = False,
        setup: Sequence[str] | None = None,
        additional_parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = submitit_folder
        self.runs_per_job = runs_per_job
        self.runs_per_gpu = runs_per_gpu
        self.max_num_timeout = max_num_timeout
        self.array_parallelism = array_parallelism
        self.servers = servers
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
            "setup": setup,
            "additional_parameters": additional_parameters or {},
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
            servers=self.servers,
        )

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """For another sweeper than ours: each job is planned and filed like a single run."""
        from audition.sweep.single import submit_all

        return submit_all(job_overrides, self.config.hydra, self.cluster())

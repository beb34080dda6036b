"""How runs become jobs of a cluster, and whether they can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from audition.errors import AuditionError
from audition.parallel.checks import processes_of
from audition.sweep.cluster.queue import require_slurm
from audition.sweep.plan import PlannedRun

GPUS = ("gres", "gpus_per_node", "gpus_per_task")
"""Settings of a job that ask for GPUs."""

START_S = 30.0
"""A job's start, before the first step [s]."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """How runs become jobs: submitit's settings by their own names, and ours."""

    settings: Mapping[str, Any]
    folder: str
    runs_per_job: int = 1
    runs_per_gpu: int | None = None
    max_num_timeout: int = 20
    array_parallelism: int = 256
    servers: int = 4

    @classmethod
    def of_stock(cls, params: Mapping[str, Any]) -> "Cluster":
        """From the settings of Hydra's own submitit launcher, `hydra/launcher=submitit_slurm`.

        Raises AuditionError where they spread one run over several tasks.
        """
        settings = {name: value for name, value in params.items() if value is not None}
        for name in ("nodes", "tasks_per_node"):
            if settings.pop(name, 1) != 1:
                raise AuditionError(
                    f"hydra.launcher.{name}={params[name]}: a run is one task on one node "
                    "(parallel=ddp makes its own processes)"
                )
        own = {
            k: settings.pop(k) for k in ("max_num_timeout", "array_parallelism") if k in settings
        }
        return cls(folder=settings.pop("submitit_folder"), settings=settings, **own)

    def fitting(self, runs: Sequence[PlannedRun]) -> "Cluster":
        """With the cores that one of `runs` needs, where nobody has said how many."""
        most = max(
            run.settings["execution"]["threads"] * processes_of(run.settings) for run in runs
        )
        return replace(self, settings={"cpus_per_task": most, **self.settings})

    def check(self, runs: Sequence[PlannedRun]) -> None:
        """Raises AuditionError where jobs with these settings could not do `runs`."""
        require_slurm()
        devices = {run.settings["execution"]["device"] for run in runs}
        asked = [key for key in GPUS if self.settings.get(key)]
        if asked and "cpu" in devices:
            raise AuditionError(
                f"hydra.launcher.{asked[0]}={self.settings[asked[0]]} asks for GPUs, and the runs "
                "would not use them: add execution.device=cuda (auto is what this machine has)"
            )
        if "cuda" in devices and not asked:
            raise AuditionError(
                "execution.device=cuda, and the jobs ask for no GPU: use hydra/launcher=slurm_gpu, "
                "or set hydra.launcher.gpus_per_node=1"
            )
        minutes, delay = self.settings["timeout_min"], self.settings["signal_delay_s"]
        if 60.0 * minutes <= delay + START_S:
            raise AuditionError(
                f"hydra.launcher.timeout_min={minutes} leaves no time to train before the warning "
                f"of signal_delay_s={delay} seconds: no run would come as far as a checkpoint"
            )

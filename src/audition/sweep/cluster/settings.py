"""The settings of a Slurm launcher, each written once, and whether jobs with them could do the runs.

Hydra loads this with its plug-ins at every start, so it imports nothing heavy.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Interval

from audition.errors import AuditionError
from audition.parallel.checks import nodes_of, processes_here, processes_of
from audition.sweep.cluster.queue import require_slurm
from audition.text import count

if TYPE_CHECKING:
    from audition.sweep.plan import PlannedRun

GPUS = ("gres", "gpus_per_node", "gpus_per_task")
"""Settings of a job that ask for GPUs."""

START_S = 30.0
"""Time from a job's start to its first training step [s]."""

OWN = ("submitit_folder", "runs_per_job", "runs_per_gpu", "servers")
LIMITS = ("max_num_timeout", "array_parallelism")
"""Settings that describe no single job: ours, and those of submitit for the whole array."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """How runs become an array of Slurm jobs; all but a few of ours are submitit's own settings."""

    submitit_folder: str
    """Job scripts and logs; compute nodes must see it."""
    runs_per_job: Annotated[int, Gt(0)] = 1
    """Runs that one job does, as many at once as its cores or GPUs hold."""
    runs_per_gpu: Annotated[int, Interval(gt=0, le=64)] | None = None
    """Runs that share one GPU; null means 1, or what `audition bench` measured."""
    name: str = "audition"
    """What the queue shows."""
    timeout_min: Annotated[int, Gt(0)] = 60
    """Of a job, which is then put back into the queue and goes on from checkpoints."""
    max_num_timeout: Annotated[int, Ge(0)] = 20
    """How often that may happen."""
    signal_delay_s: Annotated[int, Ge(0)] = 120
    """Warning before the time is up, for checkpoints."""
    cpus_per_task: Annotated[int, Gt(0)] | None = None
    """Cores of a job; null means what one run needs."""
    mem_gb: Annotated[float, Gt(0)] | None = None
    """Memory of a job."""
    gpus_per_node: Annotated[int, Ge(0)] | None = None
    gpus_per_task: Annotated[int, Ge(0)] | None = None
    cpus_per_gpu: Annotated[int, Gt(0)] | None = None
    mem_per_gpu: str | None = None
    mem_per_cpu: str | None = None
    gres: str | None = None
    partition: str | None = None
    qos: str | None = None
    account: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    comment: str | None = None
    array_parallelism: Annotated[int, Gt(0)] = 256
    """Jobs of the array that run at once."""
    servers: Annotated[int, Gt(0)] = 4
    """Jobs that serve a search; each makes as many runs at once as its cores or GPUs hold."""
    stderr_to_stdout: bool = False
    setup: Sequence[str] | None = None
    """Shell lines before the job starts."""
    additional_parameters: Mapping[str, Any] = field(default_factory=dict)
    """What sbatch knows and submitit does not, e.g. {mail-user: me}."""

    @classmethod
    def of_stock(cls, params: Mapping[str, Any]) -> "Cluster":
        """From the settings of Hydra's own submitit launcher, `hydra/launcher=submitit_slurm`.

        Raises AuditionError where they spread one run over several tasks.
        """
        settings = {name: value for name, value in params.items() if value is not None}
        for name in ("nodes", "tasks_per_node"):
            if settings.pop(name, 1) != 1:
                raise AuditionError(
                    f"hydra.launcher.{name}={params[name]}: how a run is spread is a setting of the "
                    "run, parallel=ddp parallel.nodes=2 parallel.processes=8 for example"
                )
        return cls(**settings)

    def of_a_job(self) -> dict[str, Any]:
        """What is asked for each job, by submitit's names; what is not set is left out."""
        names = [each.name for each in fields(Cluster) if each.name not in (*OWN, *LIMITS)]
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def fitting(self, runs: "Sequence[PlannedRun]") -> "Cluster":
        """With the cores that one of `runs` needs, where their number is not set."""
        most = max(
            run.settings["execution"]["threads"]
            * (processes_of(run.settings) if nodes_of(run.settings) == 1 else 1)
            for run in runs
        )
        return replace(self, cpus_per_task=self.cpus_per_task or most)

    def on_nodes(self, runs: "Sequence[PlannedRun]") -> dict[str, Any]:
        """What is asked beside that for each job of `runs` on several nodes, by submitit's names.

        A task for each process of the run; the job's first step is one of them alone, the worker,
        which starts the others (`parallel.nodes`).
        """
        nodes = nodes_of(runs[0].settings)
        if nodes == 1:
            return {}
        return {
            "nodes": nodes,
            "tasks_per_node": processes_here(runs[0].settings),
            "slurm_srun_args": ["--nodes=1", "--ntasks=1"],
        }

    def check(self, runs: "Sequence[PlannedRun]") -> None:
        """Raises AuditionError where jobs with these settings could not do `runs`."""
        require_slurm()
        devices = {run.settings["execution"]["device"] for run in runs}
        asked = [key for key in GPUS if getattr(self, key)]
        if asked and "cpu" in devices:
            raise AuditionError(
                f"hydra.launcher.{asked[0]}={getattr(self, asked[0])} asks for GPUs, and the runs "
                "would not use them: add execution.device=cuda (auto is what this machine has)"
            )
        if "cuda" in devices and not asked:
            raise AuditionError(
                "execution.device=cuda, and the jobs ask for no GPU: use hydra/launcher=slurm_gpu, "
                "or set hydra.launcher.gpus_per_node=1"
            )
        self._check_spread(runs)
        if 60.0 * self.timeout_min <= self.signal_delay_s + START_S:
            raise AuditionError(
                f"hydra.launcher.timeout_min={self.timeout_min} leaves no time to train before the "
                f"warning of signal_delay_s={self.signal_delay_s} seconds: no run would come as far "
                "as a checkpoint"
            )

    def _check_spread(self, runs: "Sequence[PlannedRun]") -> None:
        spreads = {(nodes_of(run.settings), processes_here(run.settings)) for run in runs}
        nodes = max(n for n, _ in spreads)
        if nodes > 1 and len(spreads) > 1:
            raise AuditionError(
                "runs on several nodes and others cannot be jobs of one array: give every arm the "
                f"same parallel.nodes={nodes} and parallel.processes, or make a sweep of each"
            )
        if nodes > 1 and self.runs_per_job > 1:
            raise AuditionError(
                f"hydra.launcher.runs_per_job={self.runs_per_job} packs runs into a job, and "
                f"parallel.nodes={nodes} spreads one over its nodes: choose runs_per_job=1, or one node"
            )
        for run in runs:
            self._check_cards(run.settings)

    def _check_cards(self, settings: Mapping[str, Any]) -> None:
        """Each process of a run has a card of its own, and a job's first step must see all of them."""
        here = processes_here(settings)
        if settings["execution"]["device"] != "cuda" or here == 1:
            return
        if self.gpus_per_task:
            raise AuditionError(
                f"hydra.launcher.gpus_per_task={self.gpus_per_task} gives a process of "
                f"parallel.processes={processes_of(settings)} the others' cards: set "
                f"hydra.launcher.gpus_per_node={here} instead"
            )
        cards = self.gpus_per_node or _of_gres(self.gres)
        if cards is not None and cards < here:
            raise AuditionError(
                f"{here} processes of a run are on each node, and hydra.launcher asks for "
                f"{count(cards, 'card')} there: processes {cards - 1} and {cards} would share card "
                f"{cards - 1}; set hydra.launcher.gpus_per_node={here}"
            )


def _of_gres(gres: str | None) -> int | None:
    """Cards of a node in Slurm's notation, `gpu:h100:4`; None where it does not say."""
    found = re.search(r"\bgpu(?::[^:,]+)??(?::(\d+))?(?:,|$)", gres or "")
    return int(found[1] or 1) if found else None

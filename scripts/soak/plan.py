"""What a soak is made of: short runs, shared among three launchers, each with its disturbances."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ARMS = 5  # the baseline, and two ideas with and without a chain of effects
QUESTION = (
    "model=tiny",
    "model.dropout=0.1",
    "budget.steps=200",
    "data.evaluation_tokens=2048",
    "execution.device=cpu",
    "precision=fp32",
    "+idea=placebo,spectral_gate",
    "preset=none,saturation_limiter",
)
"""Short runs in which everything has a state of its own: dropout, optimizer, idea, effects."""

OFTEN = ("checkpoint.minutes=0.002", "checkpoint.share=0.2")
"""Checkpoints of the disturbed runs; the undisturbed ones have none, and the same numbers."""

SLURM = (
    "hydra/launcher=slurm_cpu",
    "hydra.launcher.runs_per_job=5",
    "hydra.launcher.mem_gb=2",
    "hydra.launcher.timeout_min=10",
    "hydra.launcher.array_parallelism=2",
)


@dataclass(frozen=True)
class Stage:
    """A launcher, the seeds that it runs, and what is done to it meanwhile."""

    name: str
    words: tuple[str, ...]
    seeds: tuple[int, ...]
    deck: Mapping[str, int] = field(default_factory=dict)  # disturbance -> how often

    @property
    def runs(self) -> int:
        """How many that makes."""
        return ARMS * len(self.seeds)


def stages(runs: int, *, slurm: bool, local: bool, pool: bool = True) -> list[Stage]:
    """About `runs` runs, shared among the launchers, each with disturbances in proportion.

    The runs are shared as if all took part, so that a stage alone is the stage that it is in all.
    """
    seeds = tuple(range(max(pool + slurm + local, runs // ARMS)))
    of_slurm = max(1, len(seeds) // 3) if slurm else 0
    # submitit starts all its local jobs at once, and each imports torch.
    of_local = max(1, min(3, len(seeds) // 10)) if local else 0
    of_pool = len(seeds) - of_slurm - of_local if pool else 0
    parts = {
        "pool": seeds[:of_pool],
        "submitit_local": seeds[of_pool : of_pool + of_local],
        "Slurm": seeds[of_pool + of_local : of_pool + of_local + of_slurm],
    }
    words = {"submitit_local": ("hydra/launcher=submitit_local",), "Slurm": SLURM}
    return [
        Stage(
            name,
            (*OFTEN, *words.get(name, ())),
            part,
            {what: max(1, round(n * runs / 200)) for what, n in DECKS[name].items()},
        )
        for name, part in parts.items()
        if part
    ]


DECKS: Mapping[str, Mapping[str, int]] = {
    "pool": {
        "SIGKILL of a worker": 16,
        "SIGKILL of a fork server": 2,
        "SIGKILL of the command": 3,
        "full disk": 3,
    },
    "submitit_local": {
        "SIGKILL of a worker": 4,
        "SIGKILL of the command": 1,
        "full disk": 1,
    },
    "Slurm": {
        "SIGKILL of a worker": 6,
        "SIGKILL of a fork server": 1,
        "SIGKILL of a job's process": 2,
        "SIGKILL of the command": 2,
        "SIGKILL of slurmd": 2,
        "SIGKILL of slurmctld": 2,
        "scontrol requeue": 4,
        "scancel": 2,
        "full disk": 1,
    },
}
"""Disturbances of each stage, by how often 200 runs meet them."""

"""The pool that suits this machine and the runs that it is to make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audition.config.groups import GROUPS
from audition.config.schema import check_node
from audition.errors import AuditionError
from audition.machine import cores, gpus
from audition.measured import recall, workload
from audition.parallel.door import check_cards, check_interface, processes_of
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import PoolSettings
from audition.sweep.resolve_auto import device_of
from audition.sweep.watchers import check_meter
from audition.text import count

PRELOAD = (
    "audition.training.run",
    "audition.training.rehearsal",
    "audition.parts.gpt",
    "audition.data.windows",
    "torch.optim",
    "torch._dynamo",
)
"""What the fork server imports once for all runs."""


A_CORE = 16
"""Threads, or runs at once, of which more to a core are a slip of the finger."""


@dataclass(frozen=True, kw_only=True)
class MeasuredPool(PoolSettings):
    """A pool, and since when it is known to be the best."""

    measured: str | None = None
    """When `audition bench` measured what nobody had said; None where it decided nothing."""


def pool_settings(
    execution: Mapping[str, Any],
    *,
    workers: int | None = None,
    runs_per_gpu: int | None = None,
    timeout_minutes: float | None = None,
    cache_dir: str | None = None,
    runs: Sequence[PlannedRun] = (),
) -> PoolSettings:
    """The pool for `runs` of that `execution` on this machine.

    What is not said is as `audition bench` measured it (kept in `cache_dir`), else as many as fit,
    one run a card. Raises AuditionError for a setting out of range, and for a device that is not here.
    """
    device = device_of(execution)
    checked = {**execution, "device": device, "_target_": GROUPS["execution"].of}
    check_node(checked, "execution", ("audition",))
    launcher = {
        "_target_": "hydra_plugins.audition_launchers.PoolLauncher",
        "workers": workers,
        "runs_per_gpu": runs_per_gpu,
        "timeout_minutes": timeout_minutes,
    }
    check_node(launcher, "hydra.launcher", ("hydra_plugins",))
    check_device(device)
    check_size("execution.threads", execution["threads"])
    check_size("hydra.launcher.workers", workers or 1)
    for run in runs:
        check_cards(run.settings)
        check_interface(run.settings)
        check_meter(run.settings)
    processes = max((processes_of(run.settings) for run in runs), default=1)
    cards = gpus() if device == "cuda" else ()
    threads = execution["threads"]
    found = None
    # What was measured was runs of one process.
    if cache_dir is not None and processes == 1 and (runs_per_gpu if cards else workers) is None:
        loads = {workload(run.settings) for run in runs}
        found = recall(cache_dir, device=device, threads=threads, workloads=loads)
    per_card = runs_per_gpu or (found.runs_per_gpu if found else 1)
    by_cores = found.workers if found else max(1, cores() // (threads * processes))
    fitting = len(cards) // processes * per_card or by_cores
    return MeasuredPool(
        workers=workers or fitting,
        threads=threads,
        gpus=cards,
        runs_per_gpu=per_card,
        gpus_per_run=processes,
        timeout_s=timeout_minutes and 60.0 * timeout_minutes,
        preload=PRELOAD,
        measured=found.date if found else None,
    )


def check_size(where: str, wanted: int) -> None:
    """Raises AuditionError for so many threads or runs at once that this machine would stand still.

    More than it has cores may be meant: a run of many threads made again on a smaller machine.
    """
    most = A_CORE * cores()
    if wanted > most:
        raise AuditionError(
            f"{where}={wanted} is too many for this machine, which has {count(cores(), 'core')}: "
            f"choose {most} or fewer"
        )


def check_device(device: str) -> None:
    """Raises AuditionError where runs on `device` are to be made and this machine has none."""
    if device == "cuda" and not gpus():
        raise AuditionError(
            "execution.device=cuda, and this machine has no GPU to use: choose cpu, or auto for "
            "whichever is there"
        )

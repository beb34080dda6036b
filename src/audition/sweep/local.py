"""Planned runs on this machine's pool, with every end of a run written into the ledger."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audition.budget import Budget
from audition.config.root import SECTIONS
from audition.config.schema import check_node
from audition.errors import AuditionError
from audition.ledger.record import Status, now
from audition.ledger.store import Ledger
from audition.machine import cores, gpus
from audition.provenance import provenance
from audition.sweep.assign import payload_of, record_of
from audition.sweep.here import device_of
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import End, Job, PoolSettings, Server, display_for, run_pool

PRELOAD = ("audition.run", "audition.parts.gpt", "torch.optim", "torch._dynamo")
"""What the fork server imports once for all runs."""


def pool_settings(
    execution: Mapping[str, Any],
    *,
    workers: int | None = None,
    runs_per_gpu: int = 1,
    timeout_minutes: float | None = None,
) -> PoolSettings:
    """The pool for runs of that `execution` on this machine; by default as many as fit.

    Raises AuditionError for a setting out of range, and for a device that is not here.
    """
    device = device_of(execution)
    checked = {**execution, "device": device, "_target_": SECTIONS["execution"]}
    check_node(checked, "execution", ("audition",))
    launcher = {
        "_target_": "hydra_plugins.audition_plugins.PoolLauncher",
        "workers": workers,
        "runs_per_gpu": runs_per_gpu,
        "timeout_minutes": timeout_minutes,
    }
    check_node(launcher, "hydra.launcher", ("hydra_plugins",))
    check_device(device)
    cards = gpus() if device == "cuda" else ()
    slots = len(cards) * runs_per_gpu
    threads = execution["threads"]
    return PoolSettings(
        workers=workers or slots or max(1, cores() // threads),
        threads=threads,
        gpus=cards,
        runs_per_gpu=runs_per_gpu,
        timeout_s=timeout_minutes and 60.0 * timeout_minutes,
        preload=PRELOAD,
    )


def check_device(device: str) -> None:
    """Raises AuditionError where runs on `device` are to be made and this machine has none."""
    if device == "cuda" and not gpus():
        raise AuditionError(
            "execution.device=cuda, and this machine has no GPU to use: choose cpu, or auto for "
            "whichever is there"
        )


def train_all(runs: Sequence[PlannedRun], settings: PoolSettings, server: Server) -> None:
    """Train `runs` in their order; returns when each has an outcome, a failure or was interrupted.

    The worker writes its own record; where it could not (killed, timed out), this does.
    """
    if not runs:
        return
    facts = provenance()
    launched = now()
    by_job = {}
    for run in runs:
        by_job[job_of(run, facts)] = (Ledger(Path(run.settings["paths"]["output_dir"])), run)

    def on_end(job: Job, end: End) -> None:
        ledger, run = by_job[job]
        record = record_of(run)
        filed = ledger.get(ledger.folder_of(record))
        # The worker's own word stands, unless it is left over from an earlier attempt.
        spoke = filed is not None and filed.status != "running" and filed.started >= launched
        if end.status != "ok" and not spoke:
            status: Status = "interrupted" if end.status == "interrupted" else "failed"
            ledger.write(record.ended(status, end.reason, seconds=end.seconds, started=launched))

    run_pool(list(by_job), settings, on_end=on_end, display=display_for(), server=server)


def job_of(run: PlannedRun, provenance: Mapping[str, Any]) -> Job:
    """The pool's job for `run`; its output goes to `run.log` beside its record."""
    record, settings = record_of(run), run.settings
    folder = Ledger(Path(settings["paths"]["output_dir"])).folder_of(record)
    tokens_per_step = settings["data"]["batch_size"] * settings["data"]["context"]
    return Job(
        label=run.label,
        group=run.arm.name,
        payload=payload_of(run, provenance),
        expected_steps=Budget(**settings["budget"]).total_steps(tokens_per_step),
        log=folder / "run.log",
    )

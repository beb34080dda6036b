"""Runs on this machine: the pool that suits it and them, and their records where a worker left none."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from audition.config.groups import GROUPS
from audition.config.schema import check_node
from audition.energy.meter import AtOnce
from audition.errors import AuditionError
from audition.machine import cores, gpus
from audition.measured import recall, workload
from audition.parallel.checks import processes_here
from audition.records.record import Status, now
from audition.sweep.check import check_device, check_machine, check_size, check_threads
from audition.sweep.code_provenance import code_provenance
from audition.sweep.expect import expected_seconds
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import Display, End, Job, PoolSettings, Server, display_for, run_pool
from audition.sweep.resolve_auto import usual
from audition.training.run_spec import RunSpec

PRELOAD = (
    "audition.training.run",
    "audition.training.rehearsal",
    "audition.parts.gpt",
    "audition.data.windows",
    "torch.optim",
    "torch._dynamo",
)
"""What the fork server imports once for all runs."""

SPOKEN: frozenset[Status] = frozenset({"finished", "diverged", "failed", "interrupted"})
"""What a worker says at the end of a run."""


TIME_IS_UP = "the sprint's time is up"


@dataclass(frozen=True, kw_only=True)
class MeasuredPool(PoolSettings):
    """A pool, and when it was measured to be the best."""

    measured: str | None = None
    """When `audition bench` measured the number of workers; None where it was given or computed."""


def pool_settings(
    execution: Mapping[str, Any],
    *,
    workers: int | None = None,
    runs_per_gpu: int | None = None,
    timeout_minutes: float | None = None,
    cache_dir: str | None = None,
    runs: Sequence[PlannedRun] = (),
    processes: int = 1,
) -> PoolSettings:
    """The pool for `runs` of that `execution` on this machine.

    Defaults: the pool that `audition bench` measured (kept in `cache_dir`), if there is one, else
    cores // threads workers, one run a GPU. A run has as many processes here as one of `runs` has, and
    at least `processes`. Raises AuditionError for a setting out of range, and for
    a device that is not here.
    """
    checked = {**usual(execution), "_target_": GROUPS["execution"].of}
    device = str(checked["device"])
    check_node(checked, "execution", ("audition",))
    launcher = {
        "_target_": "hydra_plugins.audition_launchers.PoolLauncher",
        "workers": workers,
        "runs_per_gpu": runs_per_gpu,
        "timeout_minutes": timeout_minutes,
    }
    check_node(launcher, "hydra.launcher", ("hydra_plugins",))
    check_device({"execution": checked})
    check_threads({"execution": checked})
    check_size("hydra.launcher.workers", workers or 1)
    for run in runs:
        check_machine(run.settings)
    processes = max(processes, *(processes_here(run.settings) for run in runs), 1)
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


def train_all(runs: Sequence[PlannedRun], settings: PoolSettings, server: Server) -> None:
    """Train `runs`, the longest first; returns when each has an outcome or a failure, or is stopped."""
    if runs:
        facts = code_provenance(runs)
        specs = [run.spec(facts) for run in runs]
        carry_out(jobs_of(specs, expected_seconds(runs)), settings, server, display_for())


def train_until(
    runs: Sequence[PlannedRun], settings: PoolSettings, server: Server, bell: Callable[[], bool]
) -> None:
    """Train `runs` in the order given until `bell` says that the time is up.

    Then none begins, and those under way write their checkpoint and end as interrupted.
    """
    if not runs:
        return
    facts = code_provenance(runs)
    jobs = jobs_of([run.spec(facts) for run in runs], expected_seconds(runs))
    jobs = [beside(job, settings, len(jobs)) for job in jobs]
    source = UntilBell(jobs, bell)
    run_pool(
        [],
        settings,
        on_end=filing(),
        display=display_for(),
        server=server,
        source=source,
        known=jobs,
    )


class UntilBell:
    """A source of jobs in the order given, until the time is up."""

    def __init__(self, jobs: Sequence[Job], bell: Callable[[], bool]) -> None:
        self._jobs, self._bell = list(reversed(jobs)), bell

    def take(self) -> Job | None:
        return self._jobs.pop() if self._jobs and not self._bell() else None

    def stops(self, job: Job, report: Mapping[str, Any]) -> str:
        return TIME_IS_UP if self._bell() else ""


def jobs_of(specs: Sequence[RunSpec], expected: Sequence[float | None]) -> list[Job]:
    """A job for each run or, where `execution.pack` says so, for each pack of an arm's runs.

    expected: seconds that each run takes by itself, None where unknown.
    """
    packs: dict[tuple[str, int], list[int]] = {}
    arms: Counter[str] = Counter()
    for place, spec in enumerate(specs):
        arm, size = spec.record.config_hash, spec.settings["execution"]["pack"]
        packs.setdefault((arm, arms[arm] // (size if spec.packed else 1)), []).append(place)
        arms[arm] += 1
    return [
        Job.of_pack([specs[i] for i in places], _total([expected[i] for i in places]))
        for places in packs.values()
    ]


def _total(seconds: Sequence[float | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return sum(known) if len(known) == len(seconds) else None


def carry_out(
    jobs: Sequence[Job], settings: PoolSettings, server: Server, display: Display
) -> None:
    """Do `jobs`; returns when each run has an outcome or a failure, or is stopped.

    The worker writes its own record; where it could not (killed, timed out), this does.
    """
    jobs = [beside(job, settings, len(jobs)) for job in jobs]
    run_pool(jobs, settings, on_end=filing(), display=display, server=server)


def beside(job: Job, settings: PoolSettings, jobs: int) -> Job:
    """`job`, told that it is one of so many."""
    seen, specs = at_once(settings, jobs), job.specs
    seen = AtOnce(card=seen.card * len(specs), machine=seen.machine * len(specs))
    told = [{**spec.to_dict(), "at_once": asdict(seen)} for spec in specs]
    return replace(job, payload={"pack": told} if "pack" in job.payload else told[0])


def filing() -> Callable[[Job, End], None]:
    """What writes down the end of a run that was launched from now on, where it did not itself."""
    launched = now()

    def on_end(job: Job, end: End) -> None:
        for spec in job.specs if end.status != "ok" else ():
            file(spec, end)

    def file(spec: RunSpec, end: End) -> None:
        ledger, record = spec.ledger, spec.record
        filed = ledger.get(spec.folder)
        # The worker's own word stands, unless it is left over from an earlier attempt.
        if filed is not None and filed.status in SPOKEN and filed.started >= launched:
            return
        status: Status = "interrupted" if end.status == "interrupted" else "failed"
        notes = filed.notes if filed is not None and filed.key == record.key else ()
        ending = record.ended(
            status, end.reason, seconds=end.seconds, started=launched, notes=notes
        )
        try:
            ledger.write(ending)
        except AuditionError as error:
            if not isinstance(error.__cause__, PermissionError):
                raise
            # One folder that is another user's ends its own run, and no other.
            print(f"audition: {error}", file=sys.stderr)

    return on_end


def at_once(settings: PoolSettings, jobs: int) -> AtOnce:
    """How many of `jobs` a pool of those `settings` makes side by side, on a card and in all.

    By slot: that the last runs of a sweep have fewer neighbours is not counted.
    """
    machine = max(1, min(settings.workers, jobs))
    hands = max(1, len(settings.gpus) // settings.gpus_per_run)
    return AtOnce(card=ceil(machine / hands) if settings.gpus else 1, machine=machine)

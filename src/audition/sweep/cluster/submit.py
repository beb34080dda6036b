"""From planned runs, or a command, to an array of jobs in a cluster's queue."""

import os
import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from audition.config.groups import GROUPS
from audition.errors import AuditionError
from audition.parallel.checks import processes_here
from audition.plain_file import write_whole
from audition.records.record import Record
from audition.records.store import Ledger
from audition.records.submission import FOLDER, Submission, SubmittedJob, keep, submitted_now
from audition.sweep.cluster.array_jobs import ArrayJob, Command, Runs
from audition.sweep.cluster.code import snapshot
from audition.sweep.cluster.settings import Cluster
from audition.sweep.code_provenance import code_provenance
from audition.sweep.expect import expected_seconds
from audition.sweep.local import jobs_of
from audition.sweep.plan import PlannedRun

SHARED = ("name", "timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb", "stderr_to_stdout")
"""Settings that submitit knows for every cluster; the others are Slurm's own."""


def submit(runs: Sequence[PlannedRun], cluster: Cluster, plan: str) -> Submission:
    """Hand `runs` to Slurm as one array, with the code as it is now; returns at once.

    plan: digest of the registered plan. Raises AuditionError where the cluster does not take them.
    """
    cluster.check(runs)
    ledger = Ledger(Path(runs[0].settings["paths"]["output_dir"]).absolute())
    targets = {t for run in runs for t in run.settings["allowed_targets"]}
    code = snapshot(ledger.root, [target.split(".")[0] for target in targets])
    jobs = packed(runs, cluster, ledger)
    with _queued(ledger, [run.record for run in runs]):
        submission = enqueue(jobs, cluster.fitting(runs), code, plan, more=cluster.on_nodes(runs))
    keep(ledger.root, submission)
    return submission


def submit_command(
    words: Sequence[str], jobs: int, cluster: Cluster, code: Path, root: Path, name: str
) -> Submission:
    """Hand so many jobs of that command to Slurm as one array; returns at once.

    code: folder to import from. root: the ledger, in which the submission is kept under `name`.
    Raises AuditionError where the cluster does not take them.
    """
    probe, token = write_probe(root)
    command = Command(words=tuple(words), folder=str(Path.cwd()), probe=probe, token=token)
    submission = enqueue([command] * jobs, cluster, code, name)
    keep(root, submission)
    return submission


def write_probe(root: Path) -> tuple[str, str]:
    """A file below the ledger at `root`, and its text, by which a node knows that it sees it."""
    token = secrets.token_hex(8)
    probe = root / FOLDER / f"probe-{token}"
    probe.parent.mkdir(parents=True, exist_ok=True)
    write_whole(probe, token)
    return str(probe), token


@contextmanager
def _queued(ledger: Ledger, records: Sequence[Record]) -> Iterator[None]:
    """File the runs as queued, before a job can say more of them; take it back on an error."""
    before = [ledger.get(ledger.folder_of(record)) for record in records]
    for record, earlier in zip(records, before, strict=True):
        same = earlier is not None and earlier.key == record.key
        ledger.write(record.ended("queued", notes=earlier.notes if earlier and same else ()))
    try:
        yield
    except AuditionError:
        for record, earlier in zip(records, before, strict=True):
            if earlier is not None:
                ledger.write(earlier)
            else:
                (ledger.folder_of(record) / "record.json").unlink()
        raise


def packed(runs: Sequence[PlannedRun], cluster: Cluster, ledger: Ledger) -> Sequence[Runs]:
    """The runs in their order, `runs_per_job` to a job."""
    facts = code_provenance(runs)
    probe, token = write_probe(ledger.root)
    specs, expected = [absolute(run).spec(facts) for run in runs], expected_seconds(runs)
    each = cluster.runs_per_job
    return [
        Runs(
            jobs=tuple(jobs_of(specs[i : i + each], expected[i : i + each])),
            runs=tuple(ledger.place_of(run.record) for run in runs[i : i + each]),
            execution=runs[i].settings["execution"],
            processes=max(processes_here(run.settings) for run in runs[i : i + each]),
            runs_per_gpu=cluster.runs_per_gpu,
            grace_s=max(10.0, min(0.5 * cluster.signal_delay_s, 60.0)),
            probe=probe,
            token=token,
        )
        for i in range(0, len(runs), each)
    ]


def absolute(run: PlannedRun) -> PlannedRun:
    """`run` with paths that mean the same from whatever folder a job starts in."""
    paths = {name: os.path.abspath(path) for name, path in run.settings["paths"].items()}
    data = dict(run.settings["data"])
    data |= {key: os.path.abspath(data[key]) for key in GROUPS["data"].local if data.get(key)}
    return replace(run, settings={**run.settings, "paths": paths, "data": data})


def enqueue(
    jobs: Sequence[ArrayJob],
    cluster: Cluster,
    code: Path,
    name: str,
    *,
    more: Mapping[str, Any] | None = None,
) -> Submission:
    """The jobs as one array, importing from `code`; AuditionError where Slurm refuses them.

    name: what they are kept under, a plan's digest or a study's name. more: what each job asks for
    beside what `cluster` says, by submitit's names.
    """
    import submitit

    asked = cluster.of_a_job()
    named = {k if k in SHARED else f"slurm_{k}": v for k, v in asked.items()}
    setup = [*(named.pop("slurm_setup", None) or ()), f"export PYTHONPATH={shlex.quote(str(code))}"]
    try:
        executor = submitit.AutoExecutor(
            folder=os.path.abspath(cluster.submitit_folder),
            cluster="slurm",
            slurm_max_num_timeout=cluster.max_num_timeout,
        )
        executor.update_parameters(
            **named,
            **(more or {}),
            slurm_setup=setup,
            slurm_array_parallelism=cluster.array_parallelism,
        )
        with executor.batch():
            queued: list[Any] = [executor.submit(job) for job in jobs]
    except (RuntimeError, ValueError, OSError) as error:
        why = " ".join(str(error).split())
        raise AuditionError(f"Slurm did not take the jobs: {why}") from error
    submitted = tuple(
        SubmittedJob(id=str(its.job_id), runs=job.runs, log=str(its.paths.stderr))
        for its, job in zip(queued, jobs, strict=True)
    )
    return submitted_now(name, "slurm", submitted, jobs[0].probe)

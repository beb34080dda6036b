"""One run outside a sweep: planned like any other, so that a later sweep finds it done."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from audition.command_line import train_command
from audition.config.groups import root_of
from audition.config.identity import identify
from audition.config.root import check_seed
from audition.errors import AuditionError
from audition.frozen import freeze
from audition.records.claim import Busy
from audition.records.record import BASELINE, Record
from audition.records.registration import naming, registered, registrations
from audition.records.store import Ledger
from audition.sweep.arms import Arm, as_an_arm, read_arms, typed_as_arm
from audition.sweep.check import check_machine, runnable
from audition.sweep.cluster.follow import follow
from audition.sweep.cluster.settings import Cluster
from audition.sweep.cluster.submit import submit
from audition.sweep.code_provenance import code_provenance
from audition.sweep.compose import Composer
from audition.sweep.derived import made_of, parents
from audition.sweep.executors import refusal, rehearse
from audition.sweep.local import PRELOAD, train_all
from audition.sweep.plan import Plan, PlannedRun, make_plan
from audition.sweep.pool import Display, End, Job, PoolSettings, display_for, warm
from audition.sweep.show import Show
from audition.sweep.signals import collect_signals
from audition.sweep.teacher import at_seed, with_teacher
from audition.tasks.measures import metric_of


def plan_single(
    settings: Mapping[str, Any], overrides: Sequence[str], compose: Composer
) -> PlannedRun:
    """The one run that `overrides` make, filed under the arm a sweep would file it under.

    A sweep that hands its runs to one of Hydra's launchers says in `arm` how they are filed, and
    which plan of the ledger names them so. Raises AuditionError where no plan does, or this is no
    longer the run that it planned.
    """
    if settings["arm"].get("plan") is not None:
        return _sent(settings, overrides)
    typed = OverridesParser.create().parse_overrides(list(overrides))
    question = typed_as_arm(read_arms(typed))
    plan = make_plan(question, compose)
    seed = check_seed(settings["seed"])
    run = [run for run in plan.runs if run.seed == seed][-1]
    plans = registrations(Path(plan.output_dir))
    return replace(run, plan=naming(plans, run.identity.config_hash, run.seed))


def _refuse_changed(run: PlannedRun, config_hash: str) -> None:
    """File the run that a sweep planned as failed, and raise AuditionError: `run` is another one."""
    why = (
        "its config, its text or its code was changed after the sweep had begun; the same command "
        "goes on with what there is now"
    )
    planned = replace(run.identity, config_hash=config_hash).of_seed(run.seed)
    record = replace(run, identity=planned).record.ended("failed", why)
    ledger = Ledger(Path(run.settings["paths"]["output_dir"]))
    before = ledger.get(ledger.folder_of(record))
    if before is None or not before.settled:
        ledger.write(record)
    raise AuditionError(f"{run.label}: {why}")


def _sent(settings: Mapping[str, Any], overrides: Sequence[str]) -> PlannedRun:
    """The run that a sweep sent here. Raises AuditionError where no plan has it under that name."""
    whole = at_seed(
        with_teacher(runnable(settings), settings["arm"].get("baseline") or ""),
        check_seed(settings["seed"]),
    )
    arm = {key: value or "" for key, value in settings["arm"].items()}
    plan = registered(Path(whole["paths"]["output_dir"]), arm["plan"])
    names = {plan.baseline_hash: BASELINE, **plan.names()} if plan else {}
    baselines = {plan.baseline_hash, *(("",) if plan.screening else ())} if plan else set()
    if names.get(arm["config_hash"]) != arm["name"] or arm["baseline"] not in baselines:
        raise AuditionError(
            f"no plan in {whole['paths']['output_dir']} has the arm.name={arm['name']!r} with the "
            f"arm.baseline={arm['baseline']!r} that is asked for: what is in arm is for a sweep to "
            "tell the runs that it hands out, leave it out"
        )
    identity = identify(whole)
    own = tuple(o for o in overrides if root_of(o) not in ("arm", "seed"))
    run = PlannedRun(
        Arm(arm["name"], own), whole["seed"], whole, identity, arm["baseline"], arm["plan"]
    )
    if arm["config_hash"] != identity.config_hash:
        _refuse_changed(run, arm["config_hash"])
    return run


def train_single(run: PlannedRun, show: Show, *, alone: bool) -> None:
    """Train `run` in this process. `alone`, it is shown, with the command that gives a verdict.

    After Ctrl-C, `kill` or the end of its terminal the run is checkpointed, and SystemExit(130)
    raised where it is `alone`, KeyboardInterrupt to end the sweep that it is part of; `alone` it
    raises SystemExit(1) where it diverged. Raises AuditionError where another process is training
    it, or its device is not here.
    """
    if run.deployed:
        (parent,) = parents(Plan((run,), run.identity.config_hash), ())
        record, _ = train_here(parent, rehearsed=False)
        run = made_of(run, record)
    # Runs that a sweep sends were put together where it began.
    record, known = train_here(run, rehearsed=not alone)
    if not alone:
        if record.status == "interrupted":
            raise KeyboardInterrupt
        return
    show.runs([record])
    since = "in the ledger already, " if known else ""
    folder = Ledger(Path(run.settings["paths"]["output_dir"])).folder_of(record)
    print(f"audition: {since}filed in {folder}", file=sys.stderr)
    if record.status == "interrupted":
        print("audition: the same command goes on from there", file=sys.stderr)
        raise SystemExit(130)
    if record.status == "diverged":
        print(f"audition: the run diverged: {record.reason}", file=sys.stderr)
        raise SystemExit(1)
    print(
        f"audition: one run is no verdict; this gives one: {verdict_command(run)}", file=sys.stderr
    )


def train_here(run: PlannedRun, *, rehearsed: bool) -> tuple[Record, bool]:
    """The record of `run`, trained in this process, and whether the ledger had it before.

    A run that was not `rehearsed` where it was planned is put together once before it begins, and
    shown as it goes. Raises AuditionError where its parts do not fit, its device is not here, or
    another process is training it.
    """
    from audition.training.rehearsal import rehearse as put_together
    from audition.training.run import perform

    if not rehearsed and (why := put_together(run.settings)):
        raise AuditionError(refusal(run.arm.name, why))
    check_machine(run.settings)
    spec = run.spec(code_provenance([run]))
    job, before = Job.of(spec), spec.ledger.get(spec.folder)
    known = before is not None and before.settled and before.key == spec.record.key
    display = Display() if rehearsed else display_for()
    with collect_signals() as interrupted:
        display.begin([job], 1)
        display.started(job)

        def tell(report: Mapping[str, object]) -> None:
            display.progress(job, report)
            display.tick()

        try:
            record = perform(spec, tell, lambda step: bool(interrupted))
            stopped = record.status == "interrupted"
            display.ended(
                job, End(status="interrupted" if stopped else "ok", seconds=record.seconds)
            )
        except Busy:
            raise AuditionError(f"another process is training {run.label}") from None
        finally:
            display.close()
    return record, known


def verdict_command(run: PlannedRun) -> str:
    """What to type for a verdict on the arm of `run`, through the door that it came in by."""
    words = run.arm.overrides
    if run.arm.name == BASELINE:
        return train_command(*as_an_arm(words), "seed=42,137,256", "-m")
    return train_command(*words, "seed=42,137,256", "-m")


def launch_all(
    jobs: Sequence[Sequence[str]], hydra: DictConfig, settings: PoolSettings
) -> Sequence[JobReturn]:
    """Train jobs that another sweeper made, on our pool; a failure does not stop the rest."""
    freeze()
    compose = Composer.of_hydra(hydra)
    with warm(settings) as server:
        runs = [plan_single(compose(job), job, compose) for job in jobs]
        rehearse(runs, server)
        train_all(runs, settings, server)
    return _returned(jobs, runs)


def submit_all(
    jobs: Sequence[Sequence[str]], hydra: DictConfig, cluster: Cluster
) -> Sequence[JobReturn]:
    """The same on a cluster."""
    freeze()
    compose = Composer.of_hydra(hydra)
    with warm(PoolSettings(preload=PRELOAD)) as server:
        runs = [plan_single(compose(job), job, compose) for job in jobs]
        rehearse(runs, server)
    root = Path(runs[0].settings["paths"]["output_dir"]).absolute()
    follow(Ledger(root), submit(runs, cluster, plan=""))
    return _returned(jobs, runs)


def _returned(jobs: Sequence[Sequence[str]], runs: Sequence[PlannedRun]) -> Sequence[JobReturn]:
    """What Hydra wants to hear of each job: the metric it is judged by, or why there is none."""
    returns = []
    for job, run in zip(jobs, runs, strict=True):
        ledger = Ledger(Path(run.settings["paths"]["output_dir"]))
        record = ledger.get(ledger.folder_of(run.record))
        done = JobReturn(overrides=job, status=JobStatus.COMPLETED)
        done.return_value = record.metrics.get(metric_of(run.settings)) if record else None
        if record is None or not record.settled:
            done.status = JobStatus.FAILED
            done.return_value = AuditionError(f"{run.label} has no outcome in the ledger")
        returns.append(done)
    return returns

"""From a plan that was announced to its verdict: train what is missing, judge, show what came of it.

Sweeps and races end here, and so do searches and tuning, whose arms were chosen on other seeds.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from audition.answers import Judgement, arms_of, judge_baseline, judge_plan
from audition.console import say
from audition.records.record import Record
from audition.records.registration import (
    Registration,
    registered,
    registrations,
)
from audition.records.store import Contents, Ledger
from audition.sweep.announce import announce
from audition.sweep.claimed import measure_claimed
from audition.sweep.executors import Executor
from audition.sweep.plan import Plan
from audition.sweep.show import Show
from audition.text import count
from audition.trackers.background import BackgroundTracker
from audition.trackers.wandb import Verdicts

WANDB = "audition.trackers.wandb.Wandb"
COLUMNS = (
    "verdict",
    "kind",
    "metric",
    "improvement",
    "p_adjusted",
    "cohens_d",
    "n",
    "n_baseline",
    "baseline_mean",
    "idea_mean",
    "reason",
)


@dataclass(frozen=True)
class Confirmed:
    """The verdicts on the arms of a plan."""

    judgements: tuple[Judgement, ...]
    complete: bool
    """Whether every run has an outcome, and the baseline one to compare with."""


def confirm(
    plan: Plan, registration: Registration, executor: Executor, ledger: Ledger, show: Show
) -> Confirmed:
    """Judge arms that other seeds chose, on the fresh seeds of `registration`, and show the verdicts.

    Runs that the ledger has are not repeated. Raises as `announce` does.
    """
    plan = announce(plan, registration, executor, ledger)
    missing = plan.missing(ledger.read())
    say(
        f"{count(len(plan.arms()), 'arm')} against the baseline on "
        f"{count(len(registration.judged_on), 'fresh seed')}: {count(len(plan.runs), 'run')}, "
        f"{len(missing)} to train."
    )
    executor.train(missing)
    return conclude(plan, ledger, show, registration)


def conclude(
    plan: Plan, ledger: Ledger, show: Show, registration: Registration | None = None
) -> Confirmed:
    """The verdicts, shown, and whatever is missing; claimed costs are measured before."""
    measure_costs(plan, ledger, registration)
    contents = ledger.read()
    judgements = show_answer(plan, contents, ledger, show, registration)
    return Confirmed(
        judgements, say_missing(plan, contents, ledger) and say_diverged(plan, contents)
    )


def measure_costs(plan: Plan, ledger: Ledger, registration: Registration | None = None) -> None:
    """Have what is claimed of `plan`, or in its `registration`, be measured where no record has it."""
    own = registration or registered(ledger.root, plan.runs[0].plan)
    if own is not None and own.claims:
        measure_claimed(own, ledger.root, plan.runs[0].settings["allowed_targets"])


def show_answer(
    plan: Plan,
    contents: Contents,
    ledger: Ledger,
    show: Show,
    registration: Registration | None = None,
) -> tuple[Judgement, ...]:
    """Show the verdicts on the plan's arms, or its runs where there is none yet.

    registration: of arms that other seeds chose, which are judged on its fresh seeds alone.
    """
    judgements = judged(plan, contents, ledger, registration)
    if judgements:
        show.verdicts(judgements, ledger)
        show_in_wandb(plan, judgements, ledger)
    else:
        settled = contents.settled()
        keys = [run.identity.key for run in plan.runs]
        show.runs([settled[key] for key in keys if key in settled])
    return judgements


def judged(
    plan: Plan, contents: Contents, ledger: Ledger, registration: Registration | None
) -> tuple[Judgement, ...]:
    """The verdicts on the arms of `plan`: of its registration, on exactly the runs that it names.

    What the whole ledger says today stands beside it where that is another thing. Without a
    registration, since all outcomes were known before it was asked, it is the answer.
    """
    asked = {config_hash: name for name, config_hash in plan.arms()}
    plans = registrations(ledger.root)
    own = next((each for each in plans if each.digest() == plan.runs[0].plan), registration)
    arms = arms_of(contents.records)
    baseline = arms.get(plan.baseline_hash)
    if not asked or baseline is None or not any(r.settled for r in baseline.records):
        return ()
    whole = judge_baseline(arms, plan.baseline_hash, plans=plans, asked=asked)
    today = {each.arm.config_hash: each for each in whole if each.arm.config_hash in asked}
    if own is None:
        return tuple(today.values())
    return tuple(
        replace(each, other=other)
        if (other := today.get(each.arm.config_hash)) is not None and each.differs(other)
        else each
        for each in judge_plan(contents.records, own, plans)
    )


def say_diverged(plan: Plan, contents: Contents) -> bool:
    """Whether there is something to compare: not where the baseline diverged on all of its seeds."""
    settled = contents.settled()
    ended = [settled[run.identity.key] for run in plan.runs if run.identity.key in settled]
    baseline = [record for record in ended if record.config_hash == plan.baseline_hash]
    if not baseline or any(record.status == "finished" for record in baseline):
        return True
    everything = all(record.status == "diverged" for record in ended)
    what = f"all {len(ended)} runs" if everything and len(ended) > 1 else "the baseline"
    say(
        f"{what} diverged, so there is nothing to compare; seed {baseline[0].seed} of the baseline: "
        f"{baseline[0].reason}."
    )
    return False


def say_missing(plan: Plan, contents: Contents, ledger: Ledger) -> bool:
    """Which runs have no outcome, and why; returns whether every one has."""
    filed = {record.key: record for record in contents.records}
    missing = plan.missing(contents)
    for run in missing:
        say(f"{run.label} {_state(filed.get(run.identity.key), ledger)}.")
    if missing:
        say(f"{count(len(missing), 'run')} without an outcome; the same command tries them again.")
    return not missing


def _state(record: Record | None, ledger: Ledger) -> str:
    """What is known of a run without an outcome."""
    if record is None:
        return "was not started"
    if record.status == "queued":
        return "waits in a queue (`audition status`)"
    if record.status != "running":
        return f"{record.status}: {record.reason}"
    if ledger.claimed(ledger.folder_of(record)):
        return f"is being trained by process {record.pid} on {record.host}"
    return f"was lost while it ran (process {record.pid} on {record.host})"


def show_in_wandb(plan: Plan, judgements: Sequence[Judgement], ledger: Ledger) -> None:
    """Put `judgements` where the runs of `plan` are, or say in a sentence why they are not there."""
    loggers = plan.runs[0].settings.get("logger") or {}
    node = next((each for each in loggers.values() if each["_target_"] == WANDB), None)
    if node is None or not judgements:
        return
    digest = plan.runs[0].plan
    settings = {name: value for name, value in node.items() if name != "_target_"}
    page = Verdicts(
        ledger.root / "verdicts", digest, [wandb_row(j) for j in judgements], **settings
    )
    behind = BackgroundTracker(
        "logger=wandb", page, lambda text: print(f"audition: {text}", file=sys.stderr)
    )
    behind.begin()
    behind.end("finished")


def wandb_row(judgement: Judgement) -> Mapping[str, Any]:
    """One arm's verdict, flat."""
    c = judgement.to_dict()
    low, high = c["ci"]
    return {"arm": c["idea"], **{name: c[name] for name in COLUMNS}, "ci_low": low, "ci_high": high}

"""What a sweep says of itself: what it will run, how it was stopped, and what came of it."""

import sys
from collections.abc import Sequence

from audition.judge import arms_of, judge_baseline
from audition.ledger import Contents, Ledger
from audition.report.terminal import show_judgements, show_problems, show_runs
from audition.report.words import count
from audition.sweep.plan import Plan, PlannedRun


def say_plan(plan: Plan, missing: Sequence[PlannedRun], contents: Contents) -> None:
    """One line before the first run: how much there is to do, and how much is done."""
    show_problems(contents)
    arms = plan.arms()
    for name in plan.same_as_baseline:
        _say(f"'{name}' is the baseline itself, so it is not an arm.")
    done = len(plan.runs) - len(missing)
    _say(
        f"{count(len(arms), 'arm')} against the baseline, {count(len(plan.runs), 'run')} in all: "
        f"{done} in the ledger, {len(missing)} to train."
    )


def say_stopped(plan: Plan, ledger: Ledger) -> None:
    """After Ctrl-C: what is safe, and how to go on."""
    left = len(plan.missing(ledger.read()))
    _say(
        f"Stopped with {len(plan.runs) - left} of {count(len(plan.runs), 'run')} in the ledger; "
        "the same command goes on from there."
    )


def say_outcome(plan: Plan, ledger: Ledger) -> bool:
    """The verdicts, from the ledger alone; returns whether every run has its outcome."""
    contents = ledger.read()
    planned = {run.identity.key for run in plan.runs}
    missing = plan.missing(contents)
    filed = {record.key: record for record in contents.records}
    asked = {config_hash for _, config_hash in plan.arms()}
    arms = arms_of(contents.records)
    if asked and plan.baseline_hash in arms and arms[plan.baseline_hash].losses:
        judgements = judge_baseline(arms, plan.baseline_hash)
        show_judgements([j for j in judgements if j.arm.config_hash in asked])
    else:
        show_runs([record for record in contents.records if record.key in planned])
    for run in missing:
        record = filed.get(run.identity.key)
        how = f"{record.status}: {record.reason}" if record else "has no record"
        _say(f"{run.label} {how}")
    if missing:
        _say(f"{count(len(missing), 'run')} without an outcome; the same command tries them again.")
    return not missing


def _say(text: str) -> None:
    print(f"audition: {text}", file=sys.stderr)

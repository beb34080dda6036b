"""From a plan to its registration: what a sweep announces before its first run."""

import shlex

from audition.config.card import check_card
from audition.console import train_door
from audition.measure import Measure
from audition.provenance import typed
from audition.records.registration import PlannedArm, Registration
from audition.sweep.plan import Plan
from audition.tasks.measures import metric_of


def question_of(plan: Plan) -> tuple[str, Measure]:
    """The metric that arms are judged by: the config's `metric`, or the task's primary one."""
    run = plan.runs[0]
    metric = metric_of(run.settings)
    return metric, run.record.measure(metric)


def announcement(plan: Plan, judged_on: tuple[int, ...] = ()) -> Registration:
    """The comparisons that `plan` is about to make, with the cards as they read now.

    judged_on: the fresh seeds of a race.
    """
    baseline = [run.seed for run in plan.runs if run.identity.config_hash == plan.baseline_hash]
    arms = []
    for name, config_hash in plan.arms():
        runs = [run for run in plan.runs if run.identity.config_hash == config_hash]
        cards = runs[0].settings.get("cards") or {}
        arms.append(
            PlannedArm(
                name=name,
                config_hash=config_hash,
                seeds=tuple(run.seed for run in runs),
                cards={idea: check_card(idea, card).digest() for idea, card in cards.items()},
            )
        )
    metric, how = question_of(plan)
    return Registration(
        baseline_hash=plan.baseline_hash,
        baseline_seeds=tuple(baseline),
        arms=tuple(arms),
        metric=metric,
        sesoi=how.worth,
        judged_on=judged_on,
        command=shlex.join((*train_door(), *typed()[1:])),
    )

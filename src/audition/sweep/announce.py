"""A plan is written down before its first run: what is compared, on which seeds, and by what rule."""

import shlex
from collections.abc import Mapping

from audition.command_line import train_door
from audition.config.card import check_card
from audition.errors import AuditionError
from audition.provenance import typed
from audition.records.registration import (
    PlannedArm,
    PlannedClaim,
    Registration,
    register,
)
from audition.records.store import Ledger
from audition.sweep.claimed import check_on_record, hashes_of, planned_claims
from audition.sweep.executors import Executor
from audition.sweep.plan import Plan


def announcement(
    plan: Plan,
    judged_on: tuple[int, ...] = (),
    *,
    terms: str = "",
    metric: str = "",
    screening: bool = False,
    asked: Mapping[str, str] | None = None,
    sprint: float | None = None,
) -> Registration:
    """The comparisons that `plan` is about to make, with the cards as they read now.

    judged_on: fresh seeds, on which alone arms are judged that other seeds chose.
    terms: how the arms were chosen. metric: another than the config's.
    screening: the runs choose among settings, and no arm is judged by them.
    asked: the names of the arms before they were tuned -> their names now.
    sprint: minutes after which whole seeds alone count.

    Raises AuditionError where a registered report or a claim is about an arm that the plan does not
    have.
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
    judged_by = metric or plan.metric
    analysis = plan.runs[0].settings["analysis"]
    # What counts is in the unit of the config's metric.
    own_metric = judged_by == plan.metric
    margin = analysis["margin"] if own_metric else None
    claims: tuple[PlannedClaim, ...] = ()
    if own_metric and not screening:
        claims = planned_claims(plan.runs[0].settings, dict(plan.arms()), asked or {})
        check_on_record(claims, deployed=any(run.deployed for run in plan.runs))
    return Registration(
        baseline_hash=plan.baseline_hash,
        baseline_seeds=tuple(baseline),
        arms=tuple(arms),
        metric=judged_by,
        alpha=analysis["alpha"],
        sides=analysis["sides"],
        sesoi=margin or plan.runs[0].record.measure(judged_by).worth,
        judged_on=judged_on,
        terms=terms,
        screening=screening,
        primary=() if screening else primary_arms(plan, asked or {}),
        expects=analysis["expects"],
        sprint=sprint,
        claims=claims,
        command=shlex.join((*train_door(), *typed()[1:])),
    )


def primary_arms(plan: Plan, asked: Mapping[str, str]) -> tuple[str, ...]:
    """Config hashes of the arms of `plan` that a registered report is about; none without one.

    They are named as the sweep types them (`+idea=placebo norm=rmsnorm`) or as its arms are called.
    asked: the names of the arms before they were tuned -> their names now.

    Raises AuditionError for a name that no arm has, and for a report whose arms are not named.
    """
    analysis = plan.runs[0].settings["analysis"]
    names = analysis["primary"] or ()
    if not names and analysis["expects"] != "better":
        raise AuditionError(
            f"analysis.expects={analysis['expects']} says what is expected of the arms that "
            "analysis.primary names, and it names none"
        )
    return hashes_of(names, "analysis.primary", dict(plan.arms()), asked)


def announce(plan: Plan, registration: Registration, executor: Executor, ledger: Ledger) -> Plan:
    """Write the plan down before its first run; returns it with its runs filed under it.

    Raises AuditionError where a run that is missing could not begin, or the ledger not be written.
    """
    plan = plan.under(registration.digest())
    executor.check(plan.missing(ledger.read()))
    ledger.check_writable()
    register(ledger.root, registration)
    return plan

"""What a ledger shows of one judged arm, as the facts that the rubric asks for."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import get_args

from audition.amount import Method
from audition.answers.arms import ArmRuns, unlike
from audition.answers.judgement import Judgement
from audition.answers.rating import Facts, Rating, rate
from audition.records.registration import Registration
from audition.records.store import Contents
from audition.stats.claim import Claimed

OPEN = ("inconclusive", "invalid")
METHODS: Mapping[str, Method] = {method: method for method in get_args(Method)}
CONFLICT = "are unlike records of one run"
"""What the ledger says of two records of one run that came to other numbers."""


def rating_of(
    judgement: Judgement,
    plan: Registration,
    others: Iterable[Judgement] = (),
    conflicts: Collection[str] = (),
) -> Rating:
    """The rating of an arm that was judged for `plan`: of what is claimed of it, the best one.

    others: further judgements of the ledger, in which it may have been judged elsewhere.
    conflicts: config hashes of arms with a run that came to other bits when it was made again.
    """
    facts = facts_of(judgement, plan, others, conflicts)
    own = [each for each in judgement.claims if not each.is_control]
    return max((rate(_of_claim(facts, each)) for each in own), key=_total, default=rate(facts))


def _total(rating: Rating) -> int:
    return rating.total


def _of_claim(facts: Facts, claim: Claimed) -> Facts:
    """The same of one claim: its word decides, and its factor and method count."""
    return replace(
        facts,
        settled=claim.word not in OPEN,
        supported=claim.word == "supported",
        least_factor=claim.score,
        excludes_claimed=claim.word == "refuted" and claim.factor_ci[1] < claim.k,
        cost_method=METHODS.get(claim.method),
        control_passes=claim.control == "supported",
    )


def facts_of(
    judgement: Judgement,
    plan: Registration,
    others: Iterable[Judgement] = (),
    conflicts: Collection[str] = (),
) -> Facts:
    """The facts of an arm's verdict, whatever is claimed of its costs; arguments as above."""
    c, standing = judgement.comparison, judgement.standing
    arm, baseline = judgement.arm, judgement.baseline
    shared = arm.finite.keys() & baseline.finite.keys()
    kept = not standing.departures
    fresh = (shared & set(plan.judged_on)) if plan.judged_on else shared if kept else set()
    free = ("budget",) if plan.frees_budget(arm.config_hash) else ()
    deployed = any(record.parent for record in arm.records)
    tried_alike = bool(plan.terms) or not plan.judged_on
    return Facts(
        planned=kept,
        held_out=_held_out(arm) and _held_out(baseline),
        shared_seeds=len(shared),
        fresh_seeds=len(fresh),
        fair=deployed or tried_alike,
        settled=c.verdict not in OPEN,
        excludes_claimed=judgement.weight == "against",
        supported=c.verdict == "supported",
        elsewhere=any(_is_elsewhere(judgement, other) for other in others),
        same_seed_baseline=bool(shared) and bool(baseline.finite),
        training_loss=arm.metric.startswith("train"),
        unlike=unlike(arm, baseline, but=free).removeprefix("Not like for like: ").rstrip("."),
        other_bits=bool({arm.config_hash, baseline.config_hash} & set(conflicts)),
    )


def conflicts_in(contents: Contents) -> frozenset[str]:
    """Config hashes of the arms with two records of one run that are unlike."""
    return frozenset(
        each.path.parent.parent.name for each in contents.unreadable if CONFLICT in str(each)
    )


def _held_out(arm: ArmRuns) -> bool:
    """Whether every run was judged by an evaluation of fixed held-out rows."""
    ended = [record for record in arm.records if record.status == "finished"]
    return all(record.evaluation for record in ended) and not arm.metric.startswith("train")


def _is_elsewhere(one: Judgement, other: Judgement) -> bool:
    """Whether `other` says the same of the same arm, on other rows or at another scale."""
    if one is other or one.arm.name != other.arm.name:
        return False
    c, its = one.comparison, other.comparison
    words, theirs = (
        {(each.cost, each.word) for each in side.claims if not each.is_control}
        for side in (one, other)
    )
    told = {(word, cost) for cost, word in words & theirs if word not in OPEN}
    same = (
        bool(told)
        if words
        else c.verdict not in OPEN
        and (c.verdict, c.kind)
        == (
            its.verdict,
            its.kind,
        )
    )
    return same and bool(_place(one) - _place(other)) and bool(_place(other) - _place(one))


def _place(judgement: Judgement) -> frozenset[tuple[str, int]]:
    """The held-out rows and the sizes of model of the baseline's finished runs."""
    ended = (record for record in judgement.baseline.records if record.status == "finished")
    return frozenset((record.evaluation, record.parameters) for record in ended)

"""Compares every arm with its baseline, as one family: the runs that count, the noise, the verdicts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from audition.answers.arms import ArmRuns, arms_of, unlike, untested
from audition.answers.judgement import Judgement
from audition.answers.match import Match, Terms, matched, source_of, terms_of
from audition.answers.savings import claims_on, with_claims
from audition.answers.standing import standing
from audition.errors import AuditionError
from audition.records.record import Record
from audition.records.registration import Registration
from audition.stats import Comparison, compare, compare_campaign, judge_finalists
from audition.stats.distributions import Sides


def judge_baseline(
    arms: Mapping[str, ArmRuns],
    baseline_hash: str,
    *,
    plans: Sequence[Registration] = (),
    asked: Mapping[str, str] | None = None,
    detail: bool = True,
    metric: str | None = None,
    sesoi: float | None = None,
    alpha: float | None = None,
    sides: Sides | None = None,
    only: Collection[str] | None = None,
) -> list[Judgement]:
    """Every arm ever compared with one baseline, judged as one family.

    Each is judged by `metric`, needs a gain of `sesoi`, and its interval spends `alpha` on `sides`;
    by default those of its plan, and without a plan the task's primary metric, the gain that its
    measure calls worth having, an error of .05, and both sides.

    plans: what was registered in the ledger, oldest first; a verdict that departs is exploratory.
    detail: False leaves out what only a single verdict shows, for tables of many arms.
    only: config hashes of the arms whose verdicts are wanted, in the family of all; None: every one.
    asked: config hash -> name, of arms to compare with it now, whatever they were filed against.
    Raises AuditionError where the ledger has no run of that baseline.
    """
    baseline = arms.get(baseline_hash)
    if baseline is None or not baseline.seeds:
        raise AuditionError(f"the ledger has no finished run of baseline {baseline_hash}")
    plans = [plan for plan in plans if not plan.screening]
    arms = without_cut(arms, [plan for plan in plans if plan.baseline_hash == baseline_hash])
    baseline = arms.get(baseline_hash)
    if baseline is None:
        raise AuditionError(f"no seed of the sprint with baseline {baseline_hash} is complete")
    family = family_of(arms, baseline_hash, plans) | {key for key in asked or {} if key in arms}
    family -= {baseline_hash}
    rivals = [arm for key, arm in arms.items() if key in family]
    terms = [terms_of(arm, baseline, plans, metric, sesoi, alpha, sides) for arm in rivals]
    matches = [matched(arm, baseline, plans, t) for arm, t in zip(rivals, terms, strict=True)]
    beside = only and {*only, *(each for key in only for each in claims_on(key, plans))}
    judged = _judged(matches, plans, family, detail=detail, asked=asked or {}, only=beside)
    claimed = with_claims(judged, plans)
    return [each for each in claimed if only is None or each.arm.config_hash in only]


def _judged(
    matches: Sequence[Match],
    plans: Sequence[Registration],
    family: Collection[str],
    *,
    detail: bool,
    asked: Mapping[str, str],
    only: Collection[str] | None = None,
    of_plan: Registration | None = None,
) -> list[Judgement]:
    """The verdict of each match that has something to compare."""
    matches = [match for match in matches if match.arm.losses and match.baseline.losses]
    comparisons = _compared(matches, len(family), detail, only)
    return [
        Judgement(
            replace(comparisons[key], idea=asked.get(key, match.arm.name)),
            match.arm,
            match.baseline,
            standing(
                key,
                match.baseline.config_hash,
                match.arm.records,
                plans,
                baseline_seeds=[r.seed for r in match.baseline.records if r.settled],
                left_out=match.left_out,
                family=family,
                metric=match.arm.metric,
                alpha=match.terms.alpha,
                sesoi=match.terms.sesoi,
                sides=match.terms.sides,
                asked=of_plan,
            ),
            match.terms.source,
        )
        for match in matches
        for key in (match.arm.config_hash,)
        if only is None or key in only
    ]


def judge_plan(
    records: Iterable[Record],
    plan: Registration,
    plans: Sequence[Registration],
    only: Collection[str] | None = None,
) -> list[Judgement]:
    """The verdicts of `plan` on exactly its runs, whatever the ledger has come to hold since.

    The family is what was compared with the baseline when the plan was written: its own arms, and
    those of the plans before it. So an answer that was once given is given again.

    plans: every plan of the ledger, oldest first; where an earlier one names an arm, the standing
    says what departs from that.
    """
    if plan.screening:
        return []
    named = {(arm.config_hash, seed) for arm in plan.arms for seed in arm.seeds}
    named |= {(plan.baseline_hash, seed) for seed in plan.baseline_seeds}
    own = [r for r in records if (r.config_hash, r.seed) in named]
    cut = plan.cut({(r.config_hash, r.seed) for r in own if r.settled})
    arms = arms_of([r for r in own if r.seed not in cut])
    baseline = arms.get(plan.baseline_hash)
    if baseline is None or not baseline.seeds:
        return []
    before = [each for each in plans if not each.screening]
    digests = [each.digest() for each in before]
    if plan.digest() in digests:
        before = before[: digests.index(plan.digest()) + 1]
    family = family_of({}, plan.baseline_hash, [*before, plan])
    how = (plan.metric, plan.sesoi, plan.alpha, plan.sides)
    rivals = [
        replace(arms[arm.config_hash], name=arm.name, baseline_hash=plan.baseline_hash)
        for arm in plan.arms
        if arm.config_hash in arms and arm.config_hash != plan.baseline_hash
    ]
    source = source_of(plan, baseline.by(plan.metric).measure.worth)
    terms = Terms(*how, source=source)
    matches = [matched(arm, baseline, [plan], terms) for arm in rivals]
    beside = only and {*only, *(each for key in only for each in claims_on(key, [plan]))}
    judged = _judged(
        matches,
        plans or [plan],
        family,
        detail=True,
        asked=plan.names(),
        only=beside,
        of_plan=plan,
    )
    of_plan = plan.digest()
    return [
        replace(j, standing=replace(j.standing, joined=0), of_plan=of_plan)
        for j in with_claims(judged, [plan])
        if only is None or j.arm.config_hash in only
    ]


def without_cut(
    arms: Mapping[str, ArmRuns], plans: Sequence[Registration]
) -> Mapping[str, ArmRuns]:
    """The arms without the runs of sprints whose seed lacks the outcome of another arm.

    Which arm of a seed is trained first would otherwise decide which seeds each arm is judged on.
    """
    sprints = [plan for plan in plans if plan.sprint is not None]
    if not sprints:
        return arms
    outcomes = {(key, seed) for key, arm in arms.items() for seed in arm.seeds}
    cut = {(plan.digest(), seed) for plan in sprints for seed in plan.cut(outcomes)}
    kept = {
        key: replace(arm, records=tuple(r for r in arm.records if (r.plan, r.seed) not in cut))
        for key, arm in arms.items()
    }
    return {key: arm for key, arm in kept.items() if arm.records}


def family_of(
    arms: Mapping[str, ArmRuns], baseline_hash: str, plans: Sequence[Registration]
) -> set[str]:
    """Config hashes of all that was ever compared with a baseline: filed against it, or announced.

    An arm that was announced belongs to the family, even if none of its runs was ever filed.
    """
    rivals = [plan for plan in plans if plan.baseline_hash == baseline_hash and not plan.screening]
    announced = {arm.config_hash for plan in rivals for arm in plan.arms}
    filed = {key for key, arm in arms.items() if arm.baseline_hash == baseline_hash}
    return (announced | filed) - {baseline_hash}


def _compared(
    matches: Sequence[Match], family: int, detail: bool, only: Collection[str] | None = None
) -> dict[str, Comparison]:
    """Config hash -> the statistics of each match; those of one noise group share their noise."""
    comparisons: dict[str, Comparison] = {}
    groups: dict[Any, list[Match]] = {}
    for match in matches:
        # Arms that are not comparable are left out of the pooled noise as well.
        sides = (match.arm, match.baseline)
        if why := unlike(*sides, but=match.free) or untested(*sides):
            comparisons[match.arm.config_hash] = Comparison(
                idea=match.arm.config_hash,
                seeds=tuple(match.arm.losses),
                n=len(match.arm.losses),
                n_baseline=len(match.baseline.losses),
                verdict="invalid",
                reason=why,
                family_size=family,
            )
        else:
            groups.setdefault(match.noise_group, []).append(match)
    every = [match for each in groups.values() for match in each]
    for (terms, planned, fresh, _, alone), own in groups.items():
        mine = {match.arm.config_hash for match in own}
        wanted = mine if only is None else mine & set(only)
        if not wanted:
            continue
        baseline = own[0].baseline
        settings: dict[str, Any] = {
            "sesoi": terms.sesoi,
            "alpha": terms.alpha,
            "sides": terms.sides,
        }
        if alone:
            (match,) = own
            compared = [
                compare(
                    baseline.sample,
                    match.arm.sample,
                    design="paired",
                    name=alone,
                    family_size=family,
                    detail=detail,
                    **settings,
                )
            ]
        elif fresh:
            losses = {m.arm.config_hash: m.arm.only(fresh).sample for m in own}
            compared = judge_finalists(baseline.only(fresh).sample, losses, **settings)
        else:
            # An exploratory comparison takes its noise from every arm judged by the same metric.
            all_alike = [
                m for m in every if m.terms.metric == terms.metric and not m.noise_group[-1]
            ]
            sharing = own if planned else all_alike
            losses = {m.arm.config_hash: m.arm.sample for m in sharing}
            compared = compare_campaign(
                baseline.sample, losses, family_size=family, detail=detail, only=wanted, **settings
            )
        comparisons |= {c.idea: c for c in compared if c.idea in wanted}
    return comparisons

"""Which arms stand against which baseline, as one family, and what they support."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from audition.errors import AuditionError, choices
from audition.judge.arms import ArmRuns, arms_of, unlike
from audition.judge.judgement import Judgement
from audition.ledger.record import Record
from audition.ledger.registration import METRIC, Registration, standing
from audition.stats import Comparison, compare_campaign, judge_finalists


def judge_baseline(
    arms: Mapping[str, ArmRuns],
    baseline_hash: str,
    *,
    plans: Sequence[Registration] = (),
    asked: Mapping[str, str] | None = None,
    detail: bool = True,
    sesoi: float | None = None,
    alpha: float = 0.05,
) -> list[Judgement]:
    """Every arm ever compared with one baseline, judged as one family.

    plans: what was registered in the ledger, oldest first; a verdict that departs is exploratory.
    detail: False leaves out what only a single verdict shows, for tables of many arms.
    asked: config hash -> name, of arms to compare with it now, whatever they were filed against.
    Raises AuditionError where the ledger has no run of that baseline.
    """
    if baseline_hash not in arms or not arms[baseline_hash].losses:
        raise AuditionError(f"the ledger has no finished run of baseline {baseline_hash}")
    baseline = arms[baseline_hash]
    plans = [plan for plan in plans if not plan.screening]
    named = {key: arms[key] for key in asked or {} if key in arms}
    planned = {
        arm.config_hash
        for plan in plans
        if plan.baseline_hash == baseline_hash
        for arm in plan.arms
    }
    filed = {
        key: arm
        for key, arm in arms.items()
        if arm.baseline_hash == baseline_hash or key in planned
    }
    rivals = [arm for key, arm in (filed | named).items() if key != baseline_hash]
    judged = {arm.config_hash: arm for arm in rivals if arm.losses}
    # Whoever was announced belongs to the family, even if no run of it was ever filed.
    family = len(planned | {arm.config_hash for arm in rivals})
    # An arm that measures something else must not lend its spread to the others' noise either.
    refused = {key: why for key, arm in judged.items() if (why := unlike(arm, baseline))}
    finalists = {key: seeds for key in judged if (seeds := _fresh(judged[key], plans))}
    screened = {k: arm.losses for k, arm in judged.items() if k not in {*refused, *finalists}}
    settings: dict[str, Any] = {"sesoi": sesoi, "alpha": alpha}
    comparisons = {
        key: Comparison(
            idea=key,
            seeds=tuple(judged[key].losses),
            n=len(judged[key].losses),
            n_baseline=len(baseline.losses),
            verdict="invalid",
            reason=why,
            family_size=family,
        )
        for key, why in refused.items()
    }
    if screened:
        compared = compare_campaign(
            baseline.losses, screened, family_size=family, detail=detail, **settings
        )
        comparisons |= zip(screened, compared, strict=True)
    for seeds in set(finalists.values()):
        fresh = {k: judged[k].only(seeds).losses for k in finalists if finalists[k] == seeds}
        compared = judge_finalists(baseline.only(seeds).losses, fresh, **settings)
        comparisons |= zip(fresh, compared, strict=True)
    return [
        Judgement(
            replace(comparisons[key], idea=(asked or {}).get(key, arm.name)),
            arm,
            baseline,
            standing(
                key,
                baseline_hash,
                arm.records,
                plans,
                metric=arm.metric,
                alpha=alpha,
                sesoi=sesoi,
            ),
        )
        for key, arm in judged.items()
    ]


def _fresh(arm: ArmRuns, plans: Sequence[Registration]) -> tuple[int, ...]:
    """The seeds that a race announced to judge the arm on, once it has run them all."""
    for plan in plans:
        if plan.baseline_hash == arm.baseline_hash and plan.arm(arm.config_hash):
            return plan.judged_on if set(plan.judged_on) <= set(arm.losses) else ()
    return ()


def judge_arms(
    records: Sequence[Record],
    names: Sequence[str] = (),
    *,
    plans: Sequence[Registration] = (),
    metric: str = METRIC,
    sesoi: float | None = None,
    alpha: float = 0.05,
) -> list[Judgement]:
    """The newest configuration of each arm named (of every arm, where none is), judged.

    Raises AuditionError for a name or a metric that the ledger does not have.
    """
    arms = arms_of(records, metric, plans)
    rivals = {a.config_hash: a for a in arms.values() if a.baseline_hash not in ("", a.config_hash)}
    known = {arm.name for arm in rivals.values()}
    for name in names:
        if name not in known:
            raise AuditionError(f"the ledger has no runs of '{name}'{choices(name, known)}")
    newest: dict[str, ArmRuns] = {}
    for arm in sorted(rivals.values(), key=lambda arm: arm.latest):
        newest[arm.name] = arm
    wanted = {a.config_hash for name, a in newest.items() if not names or name in names}
    judged: list[Judgement] = []
    for baseline_hash in dict.fromkeys(rivals[config].baseline_hash for config in wanted):
        if baseline_hash in arms and arms[baseline_hash].losses:
            judged += judge_baseline(arms, baseline_hash, plans=plans, sesoi=sesoi, alpha=alpha)
    return [j for j in judged if j.arm.config_hash in wanted]

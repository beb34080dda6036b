"""Arms judged by their names: what the whole ledger says of each, and beside it what its plan says."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from audition.answers.arms import ArmRuns, arms_of
from audition.answers.judgement import Judgement
from audition.answers.judging import judge_baseline, judge_plan
from audition.errors import AuditionError, choices
from audition.labels import meant
from audition.records.record import Record
from audition.records.registration import Registration
from audition.stats.distributions import Sides


def judge_arms(
    records: Sequence[Record],
    names: Sequence[str] = (),
    *,
    plans: Sequence[Registration] = (),
    metric: str | None = None,
    sesoi: float | None = None,
    alpha: float | None = None,
    sides: Sides | None = None,
) -> list[Judgement]:
    """The newest configuration of each arm named (of every arm, where none is), judged.

    By `metric`, or as `judge_baseline` chooses one. Where the plan of an arm says another thing on its
    own runs than the whole ledger, its verdict has that beside it (`other`). Raises AuditionError
    for a name or a metric that the ledger does not have.
    """
    arms = arms_of(records, metric, plans)
    rivals = {a.config_hash: a for a in arms.values() if a.baseline_hash not in ("", a.config_hash)}
    known = {arm.name for arm in rivals.values()}
    names = [meant(name, sorted(known)) for name in names]
    for name in names:
        if name not in known:
            raise AuditionError(f"the ledger has no runs of '{name}'{choices(name, known)}")
        _check_measured(name, [arm for arm in rivals.values() if arm.name == name], metric)
    newest: dict[str, ArmRuns] = {}
    for arm in sorted(rivals.values(), key=lambda arm: arm.latest):
        newest[arm.name] = arm
    wanted = {a.config_hash for name, a in newest.items() if not names or name in names}
    judged: list[Judgement] = []
    for baseline_hash in dict.fromkeys(rivals[config].baseline_hash for config in wanted):
        if baseline_hash in arms and arms[baseline_hash].seeds:
            judged += judge_baseline(
                arms,
                baseline_hash,
                plans=plans,
                metric=metric,
                sesoi=sesoi,
                alpha=alpha,
                sides=sides,
                only=wanted,
            )
    return beside_plans([j for j in judged if j.arm.config_hash in wanted], records, plans)


def beside_plans(
    judgements: Sequence[Judgement], records: Iterable[Record], plans: Sequence[Registration]
) -> list[Judgement]:
    """Verdicts of the whole ledger, each with that of its first plan where it says another thing."""
    first: dict[str, Registration] = {}
    for judgement in judgements:
        key, base = judgement.arm.config_hash, judgement.baseline.config_hash
        named = (p for p in plans if p.baseline_hash == base and p.arm(key) and not p.screening)
        if (plan := next(named, None)) is not None:
            first[key] = plan
    runs: dict[tuple[str, int], Record] = {(r.config_hash, r.seed): r for r in records}
    answers: dict[str, dict[str, Judgement]] = {}
    for plan in {plan.digest(): plan for plan in first.values()}.values():
        wanted = [(plan.baseline_hash, seed) for seed in plan.baseline_seeds]
        wanted += [(arm.config_hash, seed) for arm in plan.arms for seed in arm.seeds]
        own = [runs[key] for key in dict.fromkeys(wanted) if key in runs]
        found = judge_plan(own, plan, plans, only=first.keys())
        answers[plan.digest()] = {j.arm.config_hash: j for j in found}
    planned = {key: answers[plan.digest()].get(key) for key, plan in first.items()}
    return [
        replace(j, other=plain)
        if (plain := planned.get(j.arm.config_hash)) is not None and plain.differs(j)
        else j
        for j in judgements
    ]


def _check_measured(name: str, arms: Sequence[ArmRuns], metric: str | None) -> None:
    """Raise AuditionError where an arm finished all its runs without measuring `metric`."""
    finished = [record for arm in arms for record in arm.records if record.status == "finished"]
    measured = {known for record in finished for known in record.metrics}
    if metric is not None and finished and metric not in measured:
        raise AuditionError(
            f"the runs of '{name}' have no metric '{metric}'{choices(metric, measured)}"
        )

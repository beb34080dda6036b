"""From the ledger alone to judgements: which runs stand against which, and what they support."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean
from typing import Any

from audition.errors import AuditionError, choices
from audition.ledger.record import Record
from audition.ledger.registration import METRIC, Registration, Standing, standing
from audition.stats import Comparison, compare_campaign, e_value, judge_finalists

LIKE_FOR_LIKE = ("budget", "evaluation", "device", "threads")
"""Facts in which two arms must agree, or their losses do not measure the same thing."""

DEFAULT_TERMS = "at default settings"
"""How arms meet that nobody tuned beforehand."""


@dataclass(frozen=True)
class ArmRuns:
    """The runs of one arm: one configuration, filed under one name."""

    name: str
    config_hash: str
    baseline_hash: str
    records: tuple[Record, ...]
    metric: str = METRIC

    @property
    def losses(self) -> dict[Hashable, float | None]:
        """Seed -> the metric, by default the final validation loss in nats per token.

        Not-a-number for a run that diverged.

        Runs that failed or were interrupted say nothing about the idea and are left out.
        """
        nan = float("nan")
        return {
            r.seed: nan if r.status == "diverged" else r.metrics[self.metric]
            for r in self.records
            if r.settled
        }

    def mean(self, fact: str) -> float:
        """The mean of a numeric fact over the finished runs; not-a-number without any."""
        values = [getattr(r, fact) for r in self.records if r.status == "finished"]
        return fmean(values) if values else float("nan")

    def only(self, seeds: Collection[int]) -> "ArmRuns":
        """The same arm without its runs on other seeds."""
        return replace(self, records=tuple(r for r in self.records if r.seed in seeds))

    @property
    def latest(self) -> str:
        """When its newest run started (ISO 8601)."""
        return max(record.started for record in self.records)


@dataclass(frozen=True)
class Judgement:
    """One arm held against its baseline: the statistics, and the price of both."""

    comparison: Comparison
    arm: ArmRuns
    baseline: ArmRuns
    standing: Standing

    @property
    def e_value(self) -> float | None:
        """Evidence that may be looked at after every seed; for seeds added after a look.

        Reject "no gain" at level α once it reaches 1 / α. It needs a noise that these seeds alone
        did not set, so it is None without the shared noise of a campaign.
        """
        c = self.comparison
        if not self.standing.added_seeds or c.design not in ("block", "moderated"):
            return None
        pairs = [(self.baseline.losses[seed], self.arm.losses[seed]) for seed in c.seeds]
        gains = [theirs - ours for theirs, ours in pairs if theirs is not None and ours is not None]
        return e_value(gains, c.standard_error * sqrt(c.n)) if c.standard_error > 0 else None

    @property
    def runs_to_settle(self) -> int | None:
        """Runs still missing until an effect of the size that matters would show, or None."""
        needed = self.comparison.seeds_needed
        if needed is None:
            return None
        return sum(max(0, needed - len(side.losses)) for side in (self.arm, self.baseline))

    @property
    def seconds_to_settle(self) -> float | None:
        """Processor time of those runs, by the ledger's own timings."""
        needed = self.comparison.seeds_needed
        if needed is None:
            return None
        sides = (self.arm, self.baseline)
        return sum(max(0, needed - len(s.losses)) * s.mean("seconds") for s in sides)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: the comparison's own names, and cost, family and what would settle it."""
        return {
            **self.comparison.to_dict(),
            "config_hash": self.arm.config_hash,
            "baseline_hash": self.baseline.config_hash,
            "cost": {
                side: {
                    fact: _number(runs.mean(fact))
                    for fact in ("seconds", "tokens", "forward_passes", "backward_passes")
                }
                for side, runs in (("baseline", self.baseline), ("idea", self.arm))
            },
            "metric": self.arm.metric,
            "standing": self.standing.word,
            "terms": self.standing.terms or DEFAULT_TERMS,
            "departures": list(self.standing.departures),
            "joined_since_plan": self.standing.joined,
            "e_value": self.e_value,
            "runs_to_settle": self.runs_to_settle,
            "seconds_to_settle": _number(self.seconds_to_settle),
        }


def arms_of(
    records: Iterable[Record], metric: str = METRIC, plans: Sequence[Registration] = ()
) -> dict[str, ArmRuns]:
    """Config hash -> the runs filed under it, in the order of their seeds.

    Runs of one configuration may have been filed as a baseline and as an arm, or under two names;
    most of them decide. What was made as a trial is compared with nothing, unless one of `plans`
    has taken it for an arm since. Raises AuditionError for a metric that a finished run does not have.
    """
    grouped: dict[str, list[Record]] = {}
    for record in records:
        if record.status == "finished" and metric not in record.metrics:
            raise AuditionError(
                f"{record.arm} seed {record.seed} has no metric '{metric}'"
                f"{choices(metric, record.metrics)}"
            )
        grouped.setdefault(record.config_hash, []).append(record)
    announced = {
        arm.config_hash: (arm.name, plan.baseline_hash)
        for plan in plans
        if not plan.screening
        for arm in plan.arms
    }
    arms: dict[str, ArmRuns] = {}
    for config_hash, runs in grouped.items():
        compared = [record for record in runs if record.baseline_hash] or runs
        filed = Counter((record.arm, record.baseline_hash) for record in compared)
        (name, baseline_hash), _ = filed.most_common(1)[0]
        if not baseline_hash:
            name, baseline_hash = announced.get(config_hash, (name, ""))
        in_order = tuple(sorted(runs, key=lambda record: record.seed))
        arms[config_hash] = ArmRuns(name, config_hash, baseline_hash, in_order, metric)
    return arms


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


def unlike(arm: ArmRuns, baseline: ArmRuns) -> str:
    """Why the two arms do not measure the same thing, in a sentence; empty where they do."""
    for fact in LIKE_FOR_LIKE:
        ours, theirs = (_seen(side, fact) for side in (arm, baseline))
        for part in dict.fromkeys((*ours, *theirs)):
            mine, its = ours.get(part, set()), theirs.get(part, set())
            if len(mine | its) > 1:
                different = " against ".join(" and ".join(sorted(side)) for side in (mine, its))
                return f"Not like for like: {part} is {different}."
    return ""


def _seen(arm: ArmRuns, fact: str) -> dict[str, set[str]]:
    """`{"device": {"cpu"}}`, or of a fact with parts `{"budget.steps": {"5"}, ...}`."""
    seen: dict[str, set[str]] = {}
    for record in arm.records:
        value = getattr(record, fact)
        parts = value if isinstance(value, Mapping) else {"": value}
        for part, each in parts.items() if record.settled else ():
            seen.setdefault(f"{fact}.{part}".rstrip("."), set()).add(str(each))
    return seen


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


def _number(value: float | None) -> float | None:
    return value if value is not None and value == value else None

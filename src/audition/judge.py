"""From the ledger alone to judgements: which runs stand against which, and what they support."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from audition.errors import AuditionError, choices
from audition.record import Record
from audition.stats import Comparison, compare_campaign

LIKE_FOR_LIKE = ("budget", "evaluation", "device", "threads")
"""Facts in which two arms must agree, or their losses do not measure the same thing."""


@dataclass(frozen=True)
class ArmRuns:
    """The runs of one arm: one configuration, filed under one name."""

    name: str
    config_hash: str
    baseline_hash: str
    records: tuple[Record, ...]

    @property
    def losses(self) -> dict[Hashable, float | None]:
        """Seed -> final validation loss in nats per token; not-a-number for a run that diverged.

        Runs that failed or were interrupted say nothing about the idea and are left out.
        """
        nan = float("nan")
        return {
            r.seed: nan if r.status == "diverged" else r.metrics["val_loss"]
            for r in self.records
            if r.settled
        }

    def mean(self, fact: str) -> float:
        """The mean of a numeric fact over the finished runs; not-a-number without any."""
        values = [getattr(r, fact) for r in self.records if r.status == "finished"]
        return fmean(values) if values else float("nan")

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
            "runs_to_settle": self.runs_to_settle,
            "seconds_to_settle": _number(self.seconds_to_settle),
        }


def arms_of(records: Iterable[Record]) -> dict[str, ArmRuns]:
    """Config hash -> the runs filed under it, in the order of their seeds."""
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.config_hash, []).append(record)
    return {
        config_hash: ArmRuns(
            runs[0].arm,
            config_hash,
            runs[0].baseline_hash,
            tuple(sorted(runs, key=lambda record: record.seed)),
        )
        for config_hash, runs in grouped.items()
    }


def judge_baseline(
    arms: Mapping[str, ArmRuns],
    baseline_hash: str,
    *,
    sesoi: float | None = None,
    alpha: float = 0.05,
) -> list[Judgement]:
    """Every arm ever compared with one baseline, judged as one family.

    Raises AuditionError where the ledger has no run of that baseline.
    """
    if baseline_hash not in arms or not arms[baseline_hash].losses:
        raise AuditionError(f"the ledger has no finished run of baseline {baseline_hash}")
    baseline = arms[baseline_hash]
    rivals = [
        arm
        for arm in arms.values()
        if arm.baseline_hash == baseline_hash and arm.config_hash != baseline_hash
    ]
    judged = {arm.config_hash: arm for arm in rivals if arm.losses}
    # An arm that measures something else must not lend its spread to the others' noise either.
    refused = {key: why for key, arm in judged.items() if (why := unlike(arm, baseline))}
    alike = {key: arm.losses for key, arm in judged.items() if key not in refused}
    family = len(rivals)
    compared = (
        compare_campaign(baseline.losses, alike, family_size=family, sesoi=sesoi, alpha=alpha)
        if alike
        else []
    )
    comparisons = dict(zip(alike, compared, strict=True)) | {
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
    return [
        Judgement(replace(comparisons[key], idea=arm.name), arm, baseline)
        for key, arm in judged.items()
    ]


def unlike(arm: ArmRuns, baseline: ArmRuns) -> str:
    """Why the two arms do not measure the same thing, in a sentence; empty where they do."""
    for fact in LIKE_FOR_LIKE:
        ours, theirs = (
            {str(getattr(r, fact)) for r in side.records if r.settled} for side in (arm, baseline)
        )
        if len(ours | theirs) > 1:
            different = " against ".join(" and ".join(sorted(side)) for side in (ours, theirs))
            return f"Not like for like: {fact} is {different}."
    return ""


def judge_arms(
    records: Sequence[Record],
    names: Sequence[str] = (),
    *,
    sesoi: float | None = None,
    alpha: float = 0.05,
) -> list[Judgement]:
    """The newest configuration of each arm named (of every arm, where none is), judged.

    Raises AuditionError for a name that the ledger does not have.
    """
    arms = arms_of(records)
    rivals = {a.config_hash: a for a in arms.values() if a.config_hash != a.baseline_hash}
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
            judged += judge_baseline(arms, baseline_hash, sesoi=sesoi, alpha=alpha)
    return [j for j in judged if j.arm.config_hash in wanted]


def _number(value: float | None) -> float | None:
    return value if value is not None and value == value else None

"""The runs of a ledger as arms, and whether two arms measure the same thing."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite, nan
from statistics import fmean
from typing import TYPE_CHECKING

from audition.errors import AuditionError, choices
from audition.measure import BEST, Measure
from audition.records.record import Record
from audition.records.registration import Registration

if TYPE_CHECKING:
    from audition.stats import Arm

LIKE_FOR_LIKE = ("budget", "evaluation", "device", "threads")
"""Facts that must be equal for the metrics of two arms to be comparable."""


@dataclass(frozen=True)
class ArmRuns:
    """The runs of one arm: one configuration, filed under one name."""

    name: str
    config_hash: str
    baseline_hash: str
    records: tuple[Record, ...]
    metric: str  # the arm is judged by it

    @cached_property
    def losses(self) -> dict[Hashable, float | None]:
        """Seed -> the metric as a loss: negated where higher is better.

        Not-a-number for a run that diverged, or finished without a number for the metric. Runs that
        failed or were interrupted say nothing about the idea and are left out, as are finished
        ones that never measured the metric.
        """
        if not self.records:  # an arm whose runs are all on other seeds than those asked for
            return {}
        how = self.measure
        return {
            r.seed: nan if r.status == "diverged" else how.as_loss(r.metrics[self.metric])
            for r in self.records
            if r.status == "diverged" or (r.settled and self.metric in r.metrics)
        }

    @property
    def finite(self) -> dict[Hashable, float]:
        """Seed -> loss, of the runs that ended in a number."""
        return {s: x for s, x in self.losses.items() if x is not None and isfinite(x)}

    @cached_property
    def sample(self) -> "Arm":
        """The losses as an `Arm` of the statistics, with the digests of the runs' weights."""
        from audition.stats import Arm  # a third of a second, and listing runs does without

        trained: dict[Hashable, str] = {r.seed: r.weights for r in self.records}
        losses = {seed: loss for seed, loss in self.losses.items() if loss is not None}
        weights = tuple(trained[seed] for seed in losses)
        return Arm(tuple(losses.values()), tuple(losses), weights=weights)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that have an outcome, in the order of the runs."""
        return tuple(record.seed for record in self.records if record.settled)

    @property
    def levels(self) -> dict[Hashable, float | None]:
        """Seed -> the metric in its own direction and unit, of the runs that have `losses`."""
        return {
            seed: None if loss is None else self.measure.as_loss(loss)
            for seed, loss in self.losses.items()
        }

    @cached_property
    def measure(self) -> Measure:
        """How the metric is read, from the newest run that records it."""
        newest = sorted(self.records, key=lambda record: record.started, reverse=True)
        told = (r for r in newest if self.metric.removesuffix(BEST) in r.measures)
        return next(told, newest[0]).measure(self.metric)

    def facts(self, name: str) -> "tuple[Parts, ...]":
        """What its runs with an outcome say of a fact, each way once, as text."""
        if name not in self._facts:
            told = (getattr(r, name) for r in self.records if r.settled)
            self._facts[name] = tuple(dict.fromkeys(map(_parts, _distinct(told))))
        return self._facts[name]

    @cached_property
    def _facts(self) -> "dict[str, tuple[Parts, ...]]":
        return {}

    @property
    def unit(self) -> str:
        """What the budget of its task counts: tokens, examples."""
        return self.records[-1].unit

    @property
    def primary(self) -> str:
        """The primary metric of its task, from the newest run."""
        return max(self.records, key=lambda record: record.started).primary

    @property
    def unmeasured(self) -> dict[int, str]:
        """Seed -> why a finished run has no value of the metric that can be judged."""
        return {
            r.seed: "is not a number" if self.metric in r.metrics else "was not measured"
            for r in self.records
            if r.status == "finished" and not isfinite(r.metrics.get(self.metric, nan))
        }

    def same_training(self, other: "ArmRuns") -> bool:
        """Whether the runs of both were made of the same trained weights, seed by seed."""
        ours, theirs = ({r.seed: r.parent for r in arm.records} for arm in (self, other))
        shared = ours.keys() & theirs.keys()
        return bool(shared) and all(
            ours[seed] and ours[seed].get("weights") == theirs[seed].get("weights")
            for seed in shared
        )

    def by(self, metric: str) -> "ArmRuns":
        """The same runs, judged by `metric`."""
        return self if metric == self.metric else replace(self, metric=metric)

    def mean(self, fact: str) -> float:
        """The mean of a numeric fact over the finished runs; not-a-number without any."""
        values = [getattr(r, fact) for r in self.records if r.status == "finished"]
        return fmean(values) if values else nan

    def only(self, seeds: Collection[int]) -> "ArmRuns":
        """The same arm without its runs on other seeds."""
        kept = tuple(r for r in self.records if r.seed in seeds)
        return self if len(kept) == len(self.records) else replace(self, records=kept)

    @property
    def latest(self) -> str:
        """When its newest run started (ISO 8601)."""
        return max(record.started for record in self.records)


def arms_of(
    records: Iterable[Record], metric: str | None = None, plans: Sequence[Registration] = ()
) -> dict[str, ArmRuns]:
    """Config hash -> the runs filed under it, in the order of their seeds.

    They are judged by `metric`; without one, by the primary metric of their task.

    Runs of one configuration may have been filed as a baseline and as an arm, or under two names;
    the most frequent counts. A search's trial is compared with nothing, unless one of `plans` made
    it an arm later. Raises AuditionError for a metric that no finished run has.
    """
    grouped: dict[str, list[Record]] = {}
    known: dict[str, None] = {}
    for record in records:
        known |= dict.fromkeys(record.metrics)
        grouped.setdefault(record.config_hash, []).append(record)
    if metric is not None and known and metric not in known:
        raise AuditionError(
            f"no run in the ledger has the metric '{metric}'{choices(metric, known)}"
        )
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
        arm = ArmRuns(name, config_hash, baseline_hash, in_order, metric or "")
        arms[config_hash] = arm if metric else arm.by(arm.primary)
    return arms


def unlike(arm: ArmRuns, baseline: ArmRuns, *, but: Collection[str] = ()) -> str:
    """Why the two arms do not measure the same thing, in a sentence; empty where they do.

    but: facts in which they may differ.
    """
    for fact in (fact for fact in LIKE_FOR_LIKE if fact not in but):
        for different in _differences(arm, baseline, fact, missing="none"):
            return f"Not like for like: {different}."
    return ""


def untested(*arms: ArmRuns) -> str:
    """Why runs of some arms do not test what they were to, in a sentence; empty where they do."""
    for arm in arms:
        for record in arm.records:
            if record.status == "finished" and record.untested:
                return f"Untested: seed {record.seed} of {arm.name} had {record.untested}."
    return ""


def other_arithmetic(arm: ArmRuns, baseline: ArmRuns) -> str:
    """How the arithmetic of the two arms differs, in a sentence; empty where it does not.

    The arms stay comparable, but the effect of another torch or machine is part of their
    difference. Records written before 0.3 lack these facts.
    """
    different = "; ".join(_differences(arm, baseline, "arithmetic"))
    return f"Made with other arithmetic: {different}." if different else ""


def other_length(arm: ArmRuns, baseline: ArmRuns) -> str:
    """How the budgets of the two arms differ, in a few words; empty where they do not."""
    return "; ".join(_differences(arm, baseline, "budget", missing="none"))


def _differences(
    arm: ArmRuns, baseline: ArmRuns, fact: str, missing: str | None = None
) -> Iterator[str]:
    """`threads is 1 against 2`, for every part of a fact in which the arms do not agree.

    An arm whose own runs differ is named once: `torch is 2.12.0 and 2.13.0 against 2.13.0`.

    missing: the value of a part that only some runs have; None where that says nothing of the runs.
    """
    ours, theirs = arm.facts(fact), baseline.facts(fact)
    if len({*ours, *theirs}) < 2:
        return
    for part in dict.fromkeys(part for parts in (*ours, *theirs) for part, _ in parts):
        mine, its = (
            {value for each in side if (value := dict(each).get(part, missing)) is not None}
            for side in (ours, theirs)
        )
        if len(mine | its) > 1:
            sides = (" and ".join(sorted(side)) for side in (mine, its) if side)
            name = f"{fact}.{part}".rstrip(".").removeprefix("arithmetic.")
            yield f"{name} is {' against '.join(sides)}"


def _distinct(values: Iterable[object]) -> list[object]:
    """Each value once; of a thousand runs of an arm mostly one is left."""
    found: list[object] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


Parts = tuple[tuple[str, str], ...]


def _parts(value: object) -> Parts:
    """`(("", "cpu"),)`, or of a fact with parts `(("steps", "5"),)`; a part that is null is none."""
    parts = value if isinstance(value, Mapping) else {"": value}
    return tuple((part, str(each)) for part, each in parts.items() if each is not None)

"""How large the loss spike after an event of apoptosis is, and how long it lasts: by run and by arm."""

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

from audition.answers.arms import ArmRuns
from audition.errors import AuditionError
from audition.records.lineage import read_lineage
from audition.records.metrics import AFTER, BEFORE, BORN, LATER, REMOVED, Line, read_events
from audition.records.store import Ledger
from audition.stats.t_tests import TTest


@dataclass(frozen=True)
class Spike:
    """The loss around one event, on rows that no step trains on, in nats a prediction."""

    step: int
    before: float  # just before the first of the event's weights were rewritten
    after: float  # just after
    back: int | None = None  # steps until the first look at which it was not above `before`
    seen: int = 0  # steps until the last look
    path: tuple[tuple[int, float], ...] = ()  # steps after the event, loss less `before`
    faded: int = 0  # steps of training between `before` and `after`, of units that fade

    @property
    def size(self) -> float:
        """`after` less `before`."""
        return self.after - self.before


@dataclass(frozen=True)
class Rule:
    """By what the units of an arm were replaced, as its lineage says."""

    parents: str  # heredity; several joined by +
    sigma: float | None  # mean noise, in root mean squares of the row; None where it says nothing
    units: float  # born or taken out at an event, on average


@dataclass(frozen=True)
class ArmSpikes:
    """The spikes of one arm: seed -> its events in order."""

    arm: str
    rule: Rule
    spikes: dict[int, tuple[Spike, ...]]

    @property
    def means(self) -> dict[int, float]:
        """Seed -> the mean size of its spikes."""
        return {seed: fmean(s.size for s in each) for seed, each in self.spikes.items()}

    @property
    def size(self) -> float:
        """The mean over seeds of `means`."""
        return fmean(self.means.values())

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Of `size` over seeds, by Student's t; not-a-number for one seed."""
        means = list(self.means.values())
        n = len(means)
        if n < 2:
            return math.nan, math.nan
        error = math.sqrt(sum((x - self.size) ** 2 for x in means) / (n - 1) / n)
        return TTest(self.size, error, n - 1).ci(level)

    @property
    def every(self) -> Sequence[Spike]:
        """Those of all seeds."""
        return [spike for each in self.spikes.values() for spike in each]

    @property
    def back(self) -> int:
        """How many were seen to go."""
        return sum(spike.back is not None for spike in self.every)

    @property
    def typical(self) -> float:
        """The median of the steps until the loss was back, those that were not counting as ∞."""
        return median(math.inf if s.back is None else s.back for s in self.every)

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        low, high = self.interval()
        return {
            "arm": self.arm,
            **asdict(self.rule),
            "spike": self.size,
            "ci_low": low,
            "ci_high": high,
            "largest": max(spike.size for spike in self.every),
            "events": len(self.every),
            "back": self.back,
            "steps_until_back": self.typical,
            "seeds": {
                str(seed): [{**asdict(s), "size": s.size} for s in each]
                for seed, each in self.spikes.items()
            },
        }


def spikes_in(lines: Iterable[Line]) -> tuple[Spike, ...]:
    """The events of a run at which the loss was looked at; those that lost a number are left out."""
    found: list[Spike] = []
    open_, since = False, (math.nan, 0)
    for line in lines:
        step, before, after = int(line["step"] or 0), line.get(BEFORE), line.get(AFTER)
        if line.get(BORN) or line.get(REMOVED):
            open_ = False
        if before is not None and before != since[0]:
            since = (before, step)  # units that fade are written of at every step
        if before is not None and after is not None:
            back = 0 if after <= before else None
            path = ((0, after - before),)
            found.append(Spike(step, before, after, back, 0, path, step - since[1]))
            open_ = True
        elif open_ and (now := line.get(LATER)) is not None:
            last = found[-1]
            passed, more = step - last.step, now - last.before
            back = passed if last.back is None and more <= 0 else last.back
            longer = (*last.path, (passed, more))
            found[-1] = replace(last, back=back, seen=passed, path=longer)
    return tuple(found)


def arm_spikes(ledger: Ledger, arms: Iterable[ArmRuns]) -> tuple[ArmSpikes, ...]:
    """Those of every arm whose runs had any, the smallest mean spike first."""
    found = []
    for arm in arms:
        folders = {r.seed: ledger.folder_of(r) for r in arm.records if r.status != "failed"}
        read = {seed: spikes_in(read_events(folder)) for seed, folder in folders.items()}
        own = {seed: each for seed, each in sorted(read.items()) if each}
        if own:
            rule = rule_of([folders[seed] for seed in own])
            if any(spike.faded for each in own.values() for spike in each):
                rule = replace(rule, parents=f"faded {rule.parents}")
            found.append(ArmSpikes(arm.name, rule, own))
    return tuple(sorted(found, key=lambda each: each.size))


def rule_of(folders: Iterable[Path]) -> Rule:
    """How the runs in these folders replaced units; a lineage that cannot be read says nothing."""
    names: dict[str, None] = {}
    sigmas: list[float] = []
    units, events = 0, 0
    for folder in folders:
        with suppress(AuditionError):
            lineage = read_lineage(folder)
            for turn in lineage.turns if lineage is not None else ():
                names[turn.strategy] = None
                sigmas += [s for s in turn.facts.get("sigma", ()) if s is not None]
                units += max(len(turn.born), len(turn.died))
            events += len({turn.step for turn in lineage.turns}) if lineage is not None else 0
    sigma = fmean(sigmas) if sigmas else None
    return Rule(" + ".join(n for n in names if n), sigma, units / events if events else math.nan)

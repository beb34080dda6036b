"""The summary of a search: its trials, its default, and what mattered, readable without Optuna.

It is kept as `studies/NAME.json` beside the study's journal. The value of an objective is null
where the run diverged.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any, Literal

from audition.errors import AuditionError
from audition.measure import BEST, Measure
from audition.records.codec import filled, finite
from audition.records.folder import Folder
from audition.records.record import LANGUAGE

FOLDER = "studies"
SCHEMA = 1

FACTS: Mapping[str, Measure] = {
    "seconds": Measure("seconds", "s"),
    "train_seconds": Measure("train_seconds", "s"),
    "joules": Measure("joules", "J"),
    "units": Measure("units", ""),
    "forward_passes": Measure("forward_passes", ""),
    "backward_passes": Measure("backward_passes", ""),
    "parameters": Measure("parameters", ""),
}
"""Facts of a record that a search may minimise, beside its metrics."""

LOSSES = ("values", "seeds")
"""The fields of a trial that are null in its file where a run diverged."""

Value = float | int | str | bool | None
State = Literal["whole", "given up", "diverged", "failed", "under way", "waiting"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What was searched: a range from low to high, or choices."""

    name: str  # KEY, or KEY[FORK=CHOICE] where only that choice has it
    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()

    @property
    def key(self) -> str:
        """As it is typed."""
        return self.name.partition("[")[0]

    @property
    def branch(self) -> str:
        """`optimizer=muon` where only that choice has it; empty where every trial does."""
        return self.name.partition("[")[2].removesuffix("]")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One point that was tried, on some seeds; objectives are in the account's order, as losses."""

    number: int
    state: State
    params: Mapping[str, Value]
    overrides: tuple[str, ...]  # overrides on top of the default
    values: tuple[float, ...]  # means over all seeds; inf where it diverged; none where not whole
    seeds: Mapping[int, tuple[float, ...]]  # seed -> objectives of a run that has ended
    arm: str = ""
    config_hash: str = ""
    is_default: bool = False
    reason: str = ""  # of a failure
    started: str = ""  # ISO 8601
    ended: str = ""

    def mean(self, objective: int) -> float | None:
        """The trial's value, or the mean over the seeds it has; None without any."""
        if self.values:
            return self.values[objective]
        found = [each[objective] for each in self.seeds.values()]
        return fmean(found) if found else None


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much each parameter mattered for being among the best of some trials."""

    objective: str
    among: str  # the choices that these trials share; empty for all trials
    trials: int
    shares: Mapping[str, float]  # parameter -> share, in all 1; empty where none can be computed
    why_none: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """One study as it stood when this was written."""

    name: str
    objectives: tuple[str, ...]
    seeds: tuple[int, ...]  # the screening seeds
    parameters: tuple[Parameter, ...]
    trials: tuple[Trial, ...]
    importances: tuple[Importance, ...]
    written: str  # ISO 8601, UTC
    measures: Mapping[str, Measure] = field(default_factory=dict)  # of the task's metrics
    journal_bytes: int | None = None  # the journal's length then; None in a database
    schema: int = SCHEMA

    def measure(self, objective: str) -> Measure:
        """How the values of an objective are read; a metric is negated where higher is better."""
        if objective in FACTS:
            return FACTS[objective]
        if objective in self.measures:
            return self.measures[objective]
        base = self.measures.get(objective.removesuffix(BEST))
        return Measure(objective, "") if base is None else base.best

    @property
    def whole(self) -> list[Trial]:
        """Trials with a number for every objective on every seed, the best in the first one first."""
        found = [trial for trial in self.trials if trial.state == "whole"]
        return sorted(found, key=lambda trial: (trial.values, trial.number))

    @property
    def default(self) -> Trial | None:
        """The default's trial; None where it was none, or is not whole."""
        return next((trial for trial in self.whole if trial.is_default), None)

    def best(self, most: int) -> list[Trial]:
        """The best whole trials beside the default, no configuration twice."""
        unlike = {trial.config_hash: trial for trial in reversed(self.whole)}
        rivals = [trial for trial in unlike.values() if not trial.is_default]
        return sorted(rivals, key=lambda trial: (trial.values, trial.number))[:most]

    def front(self) -> list[Trial]:
        """The Pareto front: the whole trials that no other one dominates."""
        return [self.whole[place] for place in front_of([trial.values for trial in self.whole])]

    def states(self) -> Counter[State]:
        """How many trials there are of each kind."""
        return Counter(trial.state for trial in self.trials)

    @property
    def runs(self) -> int:
        """Runs that have ended, of all trials."""
        return sum(len(trial.seeds) for trial in self.trials)

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON can hold them."""
        plain = asdict(self)
        for trial in plain["trials"]:
            trial |= {name: finite(trial[name]) for name in LOSSES}
        return plain


def front_of(values: Sequence[Sequence[float]]) -> list[int]:
    """The Pareto front: the indices of the points that no other one dominates."""

    def beats(one: Sequence[float], other: Sequence[float]) -> bool:
        no_worse = all(a <= b for a, b in zip(one, other, strict=True))
        return no_worse and tuple(one) != tuple(other)

    return [i for i, own in enumerate(values) if not any(beats(other, own) for other in values)]


def _upgraded(plain: dict[str, Any]) -> dict[str, Any]:
    """Add what files of Audition 0.2 lack: how the metrics are read."""
    if plain["schema"] != SCHEMA:
        raise AuditionError(f"has schema {plain['schema']}, and this version reads {SCHEMA}")
    trials = [
        {**trial, **{name: filled(trial[name], math.inf) for name in LOSSES}}
        for trial in plain["trials"]
    ]
    return {"measures": LANGUAGE, **plain, "trials": trials}


def _misfit(account: Account, stem: str) -> str:
    return "" if account.name == stem else f"is the account of another study, {account.name!r}"


STUDIES = Folder(FOLDER, Account, upgrade=_upgraded, plain=Account.to_dict, misfit=_misfit)
"""One file a study, by its name."""

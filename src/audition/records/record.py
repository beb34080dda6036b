"""The facts of one run, as in its `record.json`; a verdict needs nothing else of the run."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from math import isfinite, nan
from operator import attrgetter
from typing import Any, Literal

import msgspec

from audition.amount import Amount
from audition.errors import AuditionError
from audition.measure import BEST, Measure
from audition.reasons import cut
from audition.records.codec import filled, finite, parsed, read
from audition.text import axis, duration, html_table, number

SCHEMA = 2
READABLE = (1, 2)
"""1: written by Audition 0.1 and 0.2, which trained language models only."""
BASELINE = "baseline"
LARGEST = 2**63 - 1
"""Of any count and time in a record."""
NOTES = 50
"""The most notes that are kept of a run that is resumed many times, the newest."""

Status = Literal["queued", "running", "finished", "diverged", "failed", "interrupted"]
SETTLED: frozenset[Status] = frozenset({"finished", "diverged"})
"""Outcomes: such a run is never repeated by the same command."""
OVER: frozenset[Status] = SETTLED | {"failed"}
"""Final states: no process trains such a run until the command is typed again."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run. Metrics are in the units of `measures`, times in seconds, passes in step-batches."""

    key: str  # identity of this run: settings, seed, text and code
    config_hash: str  # the same without the seed: what the runs of one arm share
    baseline_hash: str  # of the arm it is compared with; a baseline's own; empty for a trial
    arm: str
    ideas: tuple[str, ...]
    seed: int
    status: Status
    reason: str = ""  # of a divergence, failure or interruption
    metrics: Mapping[str, float] = field(
        default_factory=dict
    )  # of the last evaluation, and the best
    measures: Mapping[str, Measure] = field(default_factory=dict)  # how each metric is read
    matrices: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    """Of a stream, metric -> its value on each phase, a row before training and after each phase."""
    primary: str = "val_loss"  # the metric that the task is judged by
    unit: str = "tokens"  # what a budget of this task counts: tokens, examples
    units: int = 0  # of them, trained on
    steps: int = 0
    updates: int | None = None  # steps that a gate did not close; None of runs before 0.5
    seconds: float = 0.0  # from start to end of the process's work on this run
    train_seconds: float = 0.0  # inside optimizer steps
    forward_passes: float = 0.0
    backward_passes: float = 0.0
    adaptation_forward: float = 0.0  # passes by which evaluations learn, which are not above
    adaptation_backward: float = 0.0
    peak_mb: float | None = None
    """Most memory it has had [MB]: resident, or on a card what torch allocated; None before 0.5."""
    joules: float = 0.0  # of training and evaluation, where a meter was on
    energy_meter: str = ""  # its name; empty without one
    energy_method: str = ""  # measured or modelled
    energy_shared: int = 1  # runs at once that the meter saw, each of which was given an equal part
    parameters: int = 0
    evaluation: str = ""  # fingerprint of the held-out windows and their tokenisation
    budget: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    threads: int = 1
    arithmetic: Mapping[str, str] = field(default_factory=dict)
    """torch, instructions and, on a GPU, card; empty for runs of before 0.3."""
    plan: str | None = None
    """Digest of the plan that the run was begun for; empty without one; None before 0.3."""
    cards: Mapping[str, str] = field(default_factory=dict)  # idea -> hash of its card
    overrides: tuple[str, ...] = ()  # as they would be typed
    code: str = ""  # digest of the source files the run used
    parent: Mapping[str, str] = field(default_factory=dict)
    """Of a deployed run: the `place` below runs/ of the run that it is made of, and the digest of its
    `weights`; empty for a run that was trained."""
    costs: Mapping[str, Amount] = field(default_factory=dict)
    weights: str = ""  # digest of the final parameters, by name; empty for an unfinished run
    untested: str = ""  # why it says nothing of what it was to test, although it finished
    notes: tuple[str, ...] = ()  # what went wrong and did not stop the run, a sentence each
    started: str = ""  # ISO 8601, UTC
    host: str = ""
    pid: int = 0
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        # The text of an exception may hold a corpus, that of a tracker a page of HTML.
        if self.reason or self.notes:
            object.__setattr__(self, "reason", cut(self.reason))
            object.__setattr__(self, "notes", tuple(map(cut, self.notes[-NOTES:])))

    def measure(self, metric: str) -> Measure:
        """How `metric` is read; a plain number where the record does not say."""
        if metric in self.measures:
            return self.measures[metric]
        base = self.measures.get(metric.removesuffix(BEST))
        return Measure(metric, "") if base is None else base.best

    @property
    def settled(self) -> bool:
        """Whether the run has a final outcome, good or bad."""
        return self.status in SETTLED

    @property
    def over(self) -> bool:
        """Whether the run has ended, with an outcome or in a failure."""
        return self.status in OVER

    def _repr_html_(self) -> str:
        ended = f"{self.status}: {self.reason}" if self.reason else self.status
        facts = {
            "arm": self.arm,
            "seed": self.seed,
            "status": ended,
            **{self._label(name): number(value, ".4f") for name, value in self.metrics.items()},
            f"{self.unit} trained on": f"{self.units:,}",
            "steps": f"{self.steps:,}",
            "time": duration(self.seconds),
            "parameters": f"{self.parameters:,}",
            "device": self.device,
            "started (UTC)": self.started[:16].replace("T", " "),
            "typed": " ".join(self.overrides),
            "key": self.key,
        }
        return html_table([{"fact": fact, "value": value} for fact, value in facts.items()])

    def _label(self, metric: str) -> str:
        how = self.measure(metric)
        return axis(how) if metric in self.measures else metric

    def to_json(self) -> str:
        """The text of `record.json`; not-a-number and infinities become null."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON can hold them."""
        plain = asdict(self)
        return {**plain, "metrics": finite(plain["metrics"])}

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """Read `record.json`; raises AuditionError saying in a few words what is wrong with it."""
        if '"metrics"' in text and '"schema"' in text:
            try:
                found = _DECODER.decode(text)
            except (msgspec.MsgspecError, RecursionError, UnicodeError):
                pass  # an older record, one without a number, or one whose fault is to be named
            else:
                if found.schema == SCHEMA and found.is_possible():
                    return found
        try:
            plain = parsed(text)
        except ValueError as error:
            raise AuditionError(f"is not complete JSON ({error})") from None
        return cls.from_dict(plain)

    @classmethod
    def from_dict(cls, plain: Any) -> "Record":
        """The record that `to_dict` gave, of this version or one before; errors as `from_json`."""
        if not isinstance(plain, dict) or "schema" not in plain:
            raise AuditionError("was not written by Audition (it has no schema)")
        if plain["schema"] not in READABLE:
            known = " and ".join(map(str, READABLE))
            raise AuditionError(f"has schema {plain['schema']}, and this version reads {known}")
        ours = {name: value for name, value in plain.items() if name in _KNOWN}
        if plain["schema"] == 1:
            ours |= {"units": plain.get("tokens", 0), "measures": LANGUAGE}
        if "metrics" in ours:
            ours["metrics"] = filled(ours["metrics"], nan)
        found = read(cls, ours, also=("metrics",))
        for name in _NUMBERS:
            value = getattr(found, name)
            if not -LARGEST <= value <= LARGEST:  # infinite and no numbers too, which JSON lacks
                raise AuditionError(
                    f"has {name}={cut(repr(value), 80)}, which Audition never writes"
                )
        if not all(map(isfinite, found.metrics.values())):
            metrics = {n: value if isfinite(value) else nan for n, value in found.metrics.items()}
            found = replace(found, metrics=metrics)
        return found

    def is_possible(self) -> bool:
        """Whether its numbers are finite and its counts such as a run can come to."""
        numbers = _numbers(self)
        return (
            min(numbers) >= -LARGEST
            and max(numbers) <= LARGEST
            and all(map(isfinite, self.metrics.values()))
        )

    def ended(self, status: Status, reason: str = "", **facts: Any) -> "Record":
        """This record with its outcome."""
        return replace(self, status=status, reason=reason, **facts)


_KNOWN = frozenset(f.name for f in fields(Record))
_NUMBERS = tuple(f.name for f in fields(Record) if f.type in (int, float))
_numbers = attrgetter(*_NUMBERS)
_DECODER = msgspec.json.Decoder(Record)

LANGUAGE = {
    "val_loss": Measure("validation loss", "nats/token"),
    "val_bpb": Measure("validation bits per byte", "bits/byte"),
}
"""The measures of every run that was filed under schema 1."""


def now() -> str:
    """The time as records write it: ISO 8601, UTC, to the second, so that texts sort as times."""
    return datetime.now(UTC).isoformat(timespec="seconds")

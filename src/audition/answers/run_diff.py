"""A recorded run against its re-run: every number bit by bit, and how their environments differ."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audition.answers.provenance import code_states, mapping_in
from audition.records.metrics import PLACE, read_evaluations
from audition.records.record import Record

RESULTS = (
    "status",
    "reason",
    "metrics",
    "weights",
    "steps",
    "units",
    "forward_passes",
    "backward_passes",
    "parameters",
)
"""Facts of a record that its settings decide."""

PASSING = ("command", "git")
"""Parts of `repro.json` left out: the command, which decides no number; code, compared by digest."""


@dataclass(frozen=True)
class RunResult:
    """The result of a run: its record, its evaluations, and the environment that it was trained in."""

    record: Record
    evaluations: tuple[Mapping[str, Any], ...]
    origin: Mapping[str, Any]

    @classmethod
    def read(cls, record: Record, folder: Path) -> "RunResult":
        """The result in `folder`; a file that is missing there counts as empty."""
        return cls(record, tuple(read_evaluations(folder)), mapping_in(folder / "repro.json"))


@dataclass(frozen=True)
class Difference:
    """A fact in which two runs differ."""

    what: str
    recorded: Any
    again: Any


@dataclass(frozen=True)
class RunDiff:
    """How two runs of one configuration and seed compare."""

    differences: tuple[Difference, ...]  # in the outcome
    surroundings: tuple[Difference, ...]  # in code, versions and machine
    compared: tuple[str, ...]  # facts that both runs have

    @property
    def same(self) -> bool:
        """Whether the outcome is the same to the bit."""
        return not self.differences

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {"same": self.same, **asdict(self)}


def compare(recorded: RunResult, again: RunResult) -> RunDiff:
    """What differs between two results; a fact that the recorded one lacks is not compared."""
    ours, theirs = (dict(_results(result)) for result in (recorded, again))
    ours = {what: value for what, value in ours.items() if value not in ("", ())}
    here, there = (dict(_surroundings(result)) for result in (recorded, again))
    return RunDiff(tuple(_differences(ours, theirs)), tuple(_differences(here, there)), tuple(ours))


def _differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[Difference]:
    for what, value in ours.items():
        if theirs.get(what) != value:
            yield Difference(what, value, theirs.get(what))


def _results(result: RunResult) -> Iterator[tuple[str, Any]]:
    facts = result.record.to_dict()  # NaN is None in there, which equals itself
    for name in RESULTS:
        if name == "metrics":
            yield from facts["metrics"].items()
        else:
            yield name, facts[name]
    for line in result.evaluations:
        for metric, value in line.items():
            if metric not in PLACE:
                yield f"{metric} at step {line['step']}", value


def _surroundings(result: RunResult) -> Iterator[tuple[str, Any]]:
    yield "code", result.record.code
    for state in code_states(result.origin):
        yield f"commit of {state.package}", state.sha
        yield f"edits of {state.package}", state.edits.partition(",")[0] or "none"
    for what, value in _flat(result.origin):
        if what.split(".")[0] not in PASSING:
            yield what, value


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value

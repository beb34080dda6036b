"""The five measures of a benchmark, of every arm of a baseline: what was reached, and what it took.

They are the validation loss, the seconds of training, the updates, the peak of memory, and what was
forgotten, where there was something to forget. The first decides; the others are never judged by.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, cast

from audition.answers.arms import ArmRuns
from audition.answers.baselines import rivals_of
from audition.answers.judging import judge_baseline
from audition.answers.provenance import mapping_in
from audition.config.instantiate import construct
from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.record import Record
from audition.records.registration import Registration
from audition.records.store import Ledger
from audition.stats.comparison import json_ready

LOSS, FORGETTING = "val_loss", "val_forgetting"
LEARNING = "val_learning"
"""Of a stream: forgetting alone is won by who learns nothing."""
INTERVAL = "val_interval"
"""How well one model is known over its episodes."""
PER_WORD = "words_perplexity"
"""What papers report of a language model, where it was measured."""
SPENT: Mapping[str, Measure] = {
    "train_seconds": Measure("training", "s"),
    "updates": Measure("updates", ""),
    "peak_mb": Measure("memory", "MB"),
}
"""Facts of a record beside its metrics."""


@dataclass(frozen=True)
class Spread:
    """A measure over an arm's finished runs."""

    mean: float
    sd: float  # not-a-number for a single run

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(fmean(values) if values else nan, stdev(values) if len(values) > 1 else nan)


@dataclass(frozen=True)
class Entry:
    """One arm: its verdict, and each column of the benchmark over its seeds."""

    arm: str
    config_hash: str
    verdict: str  # "baseline" for that
    n: int  # finished runs
    diverged: int
    values: Mapping[str, Spread]


@dataclass(frozen=True)
class Benchmark:
    """One baseline and the arms compared with it, on one set."""

    data: str
    baseline: str  # its config hash
    metric: str  # what verdicts rest on; the first column
    columns: Mapping[str, Measure]
    entries: tuple[Entry, ...]
    remarks: tuple[str, ...]  # what has to be known of the data, a stand-in for instance

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return cast(dict[str, Any], json_ready(self))


def benchmarks(
    ledger: Ledger,
    arms: Mapping[str, ArmRuns],
    plans: Sequence[Registration],
    baseline: str | None = None,
) -> tuple[Benchmark, ...]:
    """A benchmark for every baseline that has rivals, or for that of hash `baseline`; oldest first.

    Raises AuditionError where there is none.
    """
    found = tuple(
        benchmark(ledger, arms, arm, plans)
        for arm in sorted(arms.values(), key=lambda arm: arm.latest)
        if arm.baseline_hash == arm.config_hash and arm.seeds and any(_rivals(arms, arm))
        if baseline in (None, arm.config_hash)
    )
    if not found:
        raise AuditionError(
            "no arm of the ledger has a result beside its baseline: "
            "python -m src.train -m +sweeps=benchmark_fashion trains some"
        )
    return found


def benchmark(
    ledger: Ledger,
    arms: Mapping[str, ArmRuns],
    baseline: ArmRuns,
    plans: Sequence[Registration] = (),
) -> Benchmark:
    """The five measures of `baseline` and of its rivals, in the order of their names."""
    rivals = sorted(_rivals(arms, baseline), key=lambda arm: arm.name)
    judged = {
        judgement.arm.config_hash: judgement
        for judgement in judge_baseline(arms, baseline.config_hash, plans=plans, detail=False)
    }
    metric = next((j.arm.metric for j in judged.values()), baseline.metric)
    columns = _columns(metric, [baseline, *rivals])
    verdicts = {key: (j.comparison.kind or j.comparison.verdict) for key, j in judged.items()} | {
        baseline.config_hash: "baseline"
    }
    entries = tuple(
        _entry(arm, verdicts.get(arm.config_hash, "–"), columns) for arm in (baseline, *rivals)
    )
    data, remarks = _data(ledger, baseline)
    return Benchmark(data, baseline.config_hash, metric, columns, entries, remarks)


def _rivals(arms: Mapping[str, ArmRuns], baseline: ArmRuns) -> Iterator[ArmRuns]:
    return (arm for arm in rivals_of(arms, baseline) if arm.seeds)


def _columns(metric: str, arms: Sequence[ArmRuns]) -> dict[str, Measure]:
    """What verdicts rest on first, the further metrics that were recorded, and what it took."""
    metrics = {name for arm in arms for record in arm.records for name in record.metrics}
    beside = [
        name
        for name in (LOSS, PER_WORD, INTERVAL, LEARNING, FORGETTING)
        if name in metrics and name != metric
    ]
    first = {name: arms[0].by(name).measure for name in (metric, *beside)}
    forgotten = {name: first.pop(name) for name in (LEARNING, FORGETTING) if name in beside}
    return {**first, **SPENT, **forgotten}


def _entry(arm: ArmRuns, verdict: str, columns: Mapping[str, Measure]) -> Entry:
    finished = [record for record in arm.records if record.status == "finished"]
    values = {
        name: Spread.of([value for r in finished if isfinite(value := _value(r, name))])
        for name in columns
    }
    diverged = sum(record.status == "diverged" for record in arm.records)
    return Entry(arm.name, arm.config_hash, verdict, len(finished), diverged, values)


def _value(record: Record, name: str) -> float:
    value = getattr(record, name) if name in SPENT else record.metrics.get(name)
    return nan if value is None else float(value)


def _data(ledger: Ledger, arm: ArmRuns) -> tuple[str, tuple[str, ...]]:
    """What the arm was trained on, in a word, and what its source says of it now."""
    newest = max(arm.records, key=lambda record: record.started)
    settings = mapping_in(ledger.folder_of(newest) / "config.yaml")
    data, task = (settings.get(key) or {} for key in ("data", "task"))
    names = [_module(node) for node in (data, task) if "_target_" in node]
    try:
        remarks = tuple(getattr(construct(data), "remarks", ())) if data else ()
    except AuditionError as error:
        remarks = (f"its data cannot be read any more: {error}",)
    return ", ".join(names) or "data not on file", remarks


def _module(node: Mapping[str, Any]) -> str:
    name = str(node["_target_"]).rpartition(".")[0].rpartition(".")[2]
    path = node.get("path")
    return f"{name} ({Path(path).name})" if path else name

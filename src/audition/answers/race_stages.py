"""A race's time line: its decisions from `races/`, its times from the records of runs."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import fmean

from audition.answers import ArmRuns
from audition.records.races import RACES, Turn
from audition.records.record import Record

STAGES = {1: "first seed", 2: "screening seeds"}
FRESH = "fresh seeds"


@dataclass(frozen=True, kw_only=True)
class RaceStage:
    """One stage of one idea: the seeds it ran, its gain, and whether it stayed in the race."""

    idea: str
    stage: str  # a word or two: "first seed", "three seeds", "fresh seeds"
    seeds: tuple[int, ...]  # those run in this stage
    mean_gain: float  # D over the seeds so far, loss units; NaN for a run that diverged
    threshold: float  # the D it had to reach; NaN where there was none
    kept: bool
    start: float  # seconds since the race began
    end: float


def race_stages(
    root: Path, baseline_hash: str, arms: Mapping[str, ArmRuns]
) -> tuple[RaceStage, ...]:
    """Every stage whose runs the ledger at `root` has; none where there was no race."""
    race = RACES.get(root, baseline_hash)
    try:
        found = list(_steps(race.turns, baseline_hash, arms)) if race else []
    except ValueError:  # a record without the time of its start
        return ()
    begin = min((step.start for step in found), default=0.0)
    return tuple(replace(s, start=s.start - begin, end=s.end - begin) for s in found)


def _steps(
    turns: Iterable[Turn], baseline_hash: str, arms: Mapping[str, ArmRuns]
) -> Iterable[RaceStage]:
    run: dict[str, set[int]] = {}
    for turn in turns:
        key = turn.config_hash
        if key not in arms:
            continue
        arm, before = arms[key], run.get(key, set())
        records = [r for r in arm.records if r.seed in turn.seeds and r.seed not in before]
        run[key] = before | set(turn.seeds)
        stage = STAGES.get(turn.stage, f"stage {turn.stage}")
        gain, bar = _number(turn.mean_gain), _number(turn.threshold)
        if records:
            yield _step(arm.name, stage, records, gain, bar, kept=turn.action != "drop")
        fresh = [r for r in arm.records if r.settled and r.seed not in run[key]]
        if turn.action == "promote" and fresh:
            gain = _mean_gain(arms.get(baseline_hash), arm, {r.seed for r in fresh})
            yield _step(arm.name, FRESH, fresh, gain, math.nan, kept=True)


def _step(
    idea: str, stage: str, records: list[Record], gain: float, bar: float, *, kept: bool
) -> RaceStage:
    starts = [datetime.fromisoformat(r.started).timestamp() for r in records]
    ends = [start + r.seconds for start, r in zip(starts, records, strict=True)]
    return RaceStage(
        idea=idea,
        stage=stage,
        seeds=tuple(r.seed for r in records),
        mean_gain=gain,
        threshold=bar,
        kept=kept,
        start=min(starts),
        end=max(ends),
    )


def _mean_gain(baseline: ArmRuns | None, arm: ArmRuns, seeds: set[int]) -> float:
    if baseline is None:
        return math.nan
    theirs, ours = baseline.finite, arm.finite
    shared = [seed for seed in theirs.keys() & ours.keys() if seed in seeds]
    return fmean(theirs[seed] - ours[seed] for seed in shared) if shared else math.nan


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)

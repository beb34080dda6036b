"""The experiments of a ledger: campaigns of `sweeps/`, and every other question that was planned."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audition.answers.judgement import Judgement
from audition.answers.judging import judge_plan
from audition.answers.lab.evidence import conflicts_in, rating_of
from audition.answers.rating import Rating
from audition.command_line import train_door
from audition.labels import shortened
from audition.records.record import Record
from audition.records.registration import Registration
from audition.records.store import Contents
from audition.text import count

SWEEPS = Path("sweeps")
CLAIMS = re.compile(r"^# Claim:|^claim:", re.MULTILINE)
"""What a campaign's file has that makes a claim, and so is an experiment before it is begun."""
ROOM = 48
"""Characters of the name of an experiment that no file of `sweeps/` has."""


@dataclass(frozen=True)
class Result:
    """One arm of an experiment, judged and rated."""

    judgement: Judgement
    plan: Registration
    rating: Rating

    @property
    def words(self) -> tuple[str, ...]:
        """What became of each claim about the arm; its verdict where nothing is claimed of it."""
        claims = tuple(c.word for c in self.judgement.claims if not c.is_control)
        return claims or (self.judgement.comparison.verdict,)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        c = self.judgement.comparison
        return {
            "arm": self.judgement.arm.name,
            "config_hash": self.judgement.arm.config_hash,
            "plan": self.plan.digest(),
            "verdict": c.verdict,
            "kind": c.kind,
            "improvement": c.improvement,
            "ci": list(c.ci),
            "n": c.n,
            "claims": [each.to_dict() for each in self.judgement.claims],
            "standing": self.judgement.standing.word,
            "rating": self.rating.to_dict(),
        }


@dataclass(frozen=True)
class Experiment:
    """A question, every plan of it, and what its arms came to."""

    name: str
    plans: tuple[Registration, ...] = ()  # oldest first; empty where it was not begun
    planned: int = 0  # runs of the newest plan
    done: int = 0  # those of them with an outcome
    failed: int = 0
    results: tuple[Result, ...] = ()

    @property
    def command(self) -> str:
        """What was typed for its newest plan, whole; empty where it was not begun."""
        typed = self.plans[-1].command if self.plans else ""
        whole = typed.startswith(("python ", "audition "))
        return typed if whole or not typed else f"{shlex.join(train_door())} {typed}"

    @cached_property
    def best(self) -> Result | None:
        """The result with the highest rating; of those alike, of the newest plan, the largest gain."""
        order = {plan.digest(): place for place, plan in enumerate(self.plans)}

        def key(result: Result) -> tuple[float, int, float]:
            total, gained = rank(result)
            return total, order[result.plan.digest()], gained

        return max(self.results, key=key, default=None)

    @property
    def newest(self) -> tuple[Result, ...]:
        """The results of its newest plan that has some."""
        last = self.results[-1].plan.digest() if self.results else ""
        return tuple(each for each in self.results if each.plan.digest() == last)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "name": self.name,
            "plans": [plan.digest() for plan in self.plans],
            "command": self.command,
            "planned": self.planned,
            "done": self.done,
            "failed": self.failed,
            "results": [result.to_dict() for result in self.results],
        }


def experiments_of(
    contents: Contents, plans: Sequence[Registration], sweeps: Path = SWEEPS
) -> tuple[Experiment, ...]:
    """Every experiment: those of the folder that claim something by name, then all other plans."""
    grouped: dict[str, list[Registration]] = {name: [] for name in claiming(sweeps)}
    for plan in plans:
        if not plan.screening and plan.arms:
            grouped.setdefault(name_of(plan), []).append(plan)
    judged = {
        plan.digest(): judge_plan(contents.records, plan, plans)
        for own in grouped.values()
        for plan in own
    }
    everything = [judgement for each in judged.values() for judgement in each]
    conflicts = conflicts_in(contents)
    filed = {(record.config_hash, record.seed): record for record in contents.records}

    def results(own: Sequence[Registration]) -> Iterator[Result]:
        for plan in own:
            for judgement in judged[plan.digest()]:
                yield Result(judgement, plan, rating_of(judgement, plan, everything, conflicts))

    return tuple(
        Experiment(name, tuple(own), *_progress(own, filed), tuple(results(own)))
        for name, own in grouped.items()
    )


def rank(result: Result) -> tuple[int, float]:
    """By the rating; of those alike, by the gain."""
    gained = result.judgement.comparison.improvement
    return result.rating.total, gained if gained == gained else float("-inf")


def _progress(
    plans: Sequence[Registration], filed: Mapping[tuple[str, int], Record]
) -> tuple[int, int, int]:
    """Runs of the newest plan, those with an outcome, those that failed."""
    if not plans:
        return 0, 0, 0
    plan = plans[-1]
    wanted = [(plan.baseline_hash, seed) for seed in plan.baseline_seeds]
    wanted += [(arm.config_hash, seed) for arm in plan.arms for seed in arm.seeds]
    found = [filed[each] for each in wanted if each in filed]
    failed = sum(record.status == "failed" for record in found)
    return len(wanted), sum(record.settled for record in found), failed


def claiming(sweeps: Path = SWEEPS) -> tuple[str, ...]:
    """The campaigns of the folder that make a claim of efficiency, by name."""
    files = sorted(sweeps.glob("*.yaml"))
    return tuple(
        path.stem
        for path in files
        if path.is_file() and CLAIMS.search(path.read_text(encoding="utf-8", errors="replace"))
    )


def name_of(plan: Registration) -> str:
    """The campaign that a plan's command names; else its arms, in short."""
    for word in _words(plan.command):
        key, _, value = word.lstrip("+").partition("=")
        if key == "sweeps" and value:
            return value
    first, *more = [arm.name for arm in plan.arms]
    rest = f" and {count(len(more), 'more arm')}" if more else ""
    return f"{shortened(first, ROOM - len(rest))}{rest}"


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()

"""The experiments of a ledger: campaigns of `sweeps/`, and every other question that was planned."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audition.answers.claims import Claim
from audition.answers.judgement import Judgement
from audition.answers.judging import judge_plan
from audition.answers.lab.evidence import conflicts_in, rating_of
from audition.answers.next_step import next_step
from audition.answers.rating import BANDS, Rating, rate
from audition.command_line import in_ledger, train_command, train_door
from audition.labels import shortened
from audition.records.record import BASELINE, Record
from audition.records.registration import Registration
from audition.records.sprints import SPRINTS, Sprint
from audition.records.store import Contents, Ledger
from audition.text import count

SWEEPS = Path("sweeps")
CLAIMS = re.compile(r"^# Claim:|^claim:", re.MULTILINE)
"""What a campaign's file has that makes a claim, and so is an experiment before it is begun."""
SEEDS = re.compile(r"^\s+seed: ([\d,]+)", re.MULTILINE)
"""The seeds of a campaign, in its file."""
SPRINT = 15
"""Minutes of the sprint that begins an experiment."""
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
            total, gained = _order(result)
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


@dataclass(frozen=True)
class Next:
    """Something to run, and why."""

    experiment: str
    why: str
    command: str


@dataclass(frozen=True)
class Factor:
    """The arm that certainly takes the least of a cost, among those that are no worse."""

    cost: str
    method: str
    least: float  # k_L: how many times less, at the least
    word: str  # of the claim
    arm: str
    experiment: str


@dataclass(frozen=True)
class Lab:
    """Where a ledger's experiments stand."""

    experiments: tuple[Experiment, ...]
    published: tuple[tuple[Claim, Rating], ...]  # other people's results, by the same rubric
    sprints: tuple[Sprint, ...]
    next: tuple[Next, ...]

    @property
    def distribution(self) -> Mapping[str, int]:
        """Band -> how many experiments have their best rating in it; those without one are left out."""
        best = [each.best.rating.band for each in self.experiments if each.best]
        return {band: best.count(band) for band in BANDS}

    @property
    def factors(self) -> tuple[Factor, ...]:
        """The best one for each cost and method; controls, and arms that cost no less, have none."""
        best: dict[tuple[str, str], Factor] = {}
        for experiment in self.experiments:
            for result in experiment.newest:
                for claim in result.judgement.claims:
                    score = claim.score
                    if claim.is_control or score is None or score <= 1.0:
                        continue
                    found = Factor(
                        claim.cost,
                        claim.method,
                        score,
                        claim.word,
                        result.judgement.arm.name,
                        experiment.name,
                    )
                    key = (claim.cost, claim.method)
                    if key not in best or best[key].least < score:
                        best[key] = found
        return tuple(best[key] for key in sorted(best))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "factors": [vars(each) for each in self.factors],
            "experiments": [each.to_dict() for each in self.experiments],
            "distribution": dict(self.distribution),
            "published": [
                {"claim": claim.name, "published": claim.published, "rating": rating.to_dict()}
                for claim, rating in self.published
            ],
            "sprints": [vars(sprint) for sprint in self.sprints],
            "next": [vars(each) for each in self.next],
        }


def lab_of(
    ledger: Ledger,
    contents: Contents,
    plans: Sequence[Registration],
    claims: Sequence[Claim] = (),
    sweeps: Path = SWEEPS,
) -> Lab:
    """The lab of a ledger with those `plans`, oldest first.

    claims: what others claim; those whose files say how they were found are rated.
    sweeps: the folder of campaigns, of which those with a claim are experiments before they begin.
    """
    experiments = experiments_of(contents, plans, sweeps)
    return Lab(
        experiments,
        tuple((c, rate(c.as_published)) for c in claims if c.as_published is not None),
        SPRINTS.read(ledger.root)[0],
        tuple(_next(experiments, contents, ledger.root, sweeps)),
    )


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


def _order(result: Result) -> tuple[int, float]:
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


def _begin(name: str, contents: Contents, root: Path, sweeps: Path) -> Next:
    """How a campaign is begun: by its teachers, where its students have none in the ledger yet."""
    text = (sweeps / f"{name}.yaml").read_text(encoding="utf-8", errors="replace")
    where = in_ledger(root)
    seeds = SEEDS.search(text)
    taught = f"loss.teacher={BASELINE}" in text
    if seeds and taught and not any(r.arm == BASELINE and r.settled for r in contents.records):
        words = (f"seed={seeds[1]}", "keep.weights=true", *where, "-m")
        return Next(name, "not begun here; its teachers come first", train_command(*words))
    words = (f"+sweeps={name}", f"+sprint={SPRINT}", *where, "-m")
    return Next(name, "not begun here", train_command(*words))


def _next(
    experiments: Sequence[Experiment], contents: Contents, root: Path, sweeps: Path
) -> Iterator[Next]:
    """What is worth running, most urgent first: what is half done, undecided, not begun, or alone."""
    for each in experiments:
        if each.plans and each.done < each.planned and each.command:
            left = count(each.planned - each.done, "run")
            yield Next(each.name, f"{left} of {each.planned} have no outcome yet", each.command)
    whole = [each for each in experiments if each.plans and each.done >= each.planned]
    for word in ("inconclusive", "supported"):
        for each in whole:
            own = [result for result in each.newest if word in result.words]
            if own:
                best = max(own, key=_order)
                step = next_step(best.judgement, root)
                if step.command.startswith(shlex.join(train_door())):
                    why = f"{best.judgement.arm.name}: {step.text}"
                    yield Next(each.name, why, step.command)
        if word == "inconclusive":
            for each in experiments:
                if not each.plans:
                    yield _begin(each.name, contents, root, sweeps)

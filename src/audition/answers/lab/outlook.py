"""Where a ledger's experiments stand together: best factors, ratings, and what to run next."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audition.answers.claims import Claim
from audition.answers.lab.experiments import SWEEPS, Experiment, experiments_of, rank
from audition.answers.next_step import next_step
from audition.answers.rating import BANDS, Rating, rate
from audition.command_line import in_ledger, train_command, train_door
from audition.records.record import BASELINE
from audition.records.registration import Registration
from audition.records.sprints import SPRINTS, Sprint
from audition.records.store import Contents, Ledger
from audition.text import count

SEEDS = re.compile(r"^\s+seed: ([\d,]+)", re.MULTILINE)
"""The seeds of a campaign, in its file."""
TUNED = re.compile(r"^tune:", re.MULTILINE)
"""What a campaign's file has that tunes its arms, which no sprint does."""
SPRINT = 15
"""Minutes of the sprint that begins an experiment."""


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


def _begin(name: str, contents: Contents, root: Path, sweeps: Path) -> Next:
    """How a campaign is begun: by its teachers, where its students have none in the ledger yet."""
    text = (sweeps / f"{name}.yaml").read_text(encoding="utf-8", errors="replace")
    where = in_ledger(root)
    seeds = SEEDS.search(text)
    taught = f"loss.teacher={BASELINE}" in text
    if seeds and taught and not any(r.arm == BASELINE and r.settled for r in contents.records):
        words = (f"seed={seeds[1]}", "keep.weights=true", *where, "-m")
        return Next(name, "not begun here; its teachers come first", train_command(*words))
    length = () if TUNED.search(text) else (f"+sprint={SPRINT}",)
    words = (f"+sweeps={name}", *length, *where, "-m")
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
                best = max(own, key=rank)
                step = next_step(best.judgement, root)
                if step.command.startswith(shlex.join(train_door())):
                    why = f"{best.judgement.arm.name}: {step.text}"
                    yield Next(each.name, why, step.command)
        if word == "inconclusive":
            for each in experiments:
                if not each.plans:
                    yield _begin(each.name, contents, root, sweeps)

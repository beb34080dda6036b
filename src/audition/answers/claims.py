"""Claims that others made: where they come from, how each is tested here, and what the tests say."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from audition.answers.rating import Facts
from audition.errors import AuditionError, choices
from audition.measure import Measure
from audition.plain_file import read_text
from audition.records.codec import filled, finite, parsed, read
from audition.stats.comparison import Expectation, Weight
from audition.text import count

HOME = Path("claims")
"""Where claims lie: one file each, and beside it what its tests came to."""
Stand = Literal["holds", "does not hold", "divided", "open", "not tested here"]
"""What the tests of a claim say of it together."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """One test of a claim: a sweep with a registered report."""

    asks: str
    """The question, in a few words."""
    command: str
    """What is typed for it, from `python -m src.train` on."""
    seeds: int
    """Fewest seeds of an arm that it counts with."""
    role: Literal["claim", "control"] = "claim"
    """Whether it tests the claim, or only something that the claim leaves open."""

    __test__ = False  # no test of pytest's

    @property
    def words(self) -> tuple[str, ...]:
        """What sets it apart from other sweeps."""
        return tuple(w for w in shlex.split(self.command) if "=" in w and not _is_local(w))


@dataclass(frozen=True, kw_only=True)
class Tested:
    """One registered arm of a test, as the ledger judged it."""

    arm: str
    seeds: int
    of_baseline: int
    baseline: float  # means, in the measure's own direction
    mean: float
    gain: float  # positive where the arm is better, whatever the measure's direction
    low: float
    high: float
    level: float
    verdict: str
    kind: str | None
    weight: Weight | None
    why_exploratory: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a test came to, and where its numbers are from."""

    command: str
    plan: str
    written: str
    expects: Expectation
    metric: str
    measure: Measure
    margin: float
    seeds: tuple[int, ...]
    arms: tuple[Tested, ...]  # the registered ones
    others: tuple[Tested, ...]  # all other arms: exploratory
    terms: str
    precision: str
    origins: tuple[tuple[tuple[str, str], ...], ...]
    figure: str = ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What somebody claims, and how it is tested."""

    name: str
    claim: str
    """Its words."""
    source: str
    found: str
    """What was wrong in how it was found."""
    tests: tuple[Test, ...] = ()
    controls: Mapping[str, str] = field(default_factory=dict)
    """Arm or test -> what it is there for."""
    reading: str = ""
    """What the tests come to, in words: written when they have been made."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Page -> what is known there already."""
    settled: str = ""
    """What calculation or another page says of it, where no sweep tests it: begins with a `Stand`."""
    repeat: str = ""
    """The command that repeats that."""
    published: str = ""
    """How its authors rated it."""
    as_published: Facts | None = None
    """What its own files show, as the rubric of `audition lab` asks for it."""
    evidence: tuple[Evidence, ...] = ()

    def of(self, test: Test) -> Evidence | None:
        """What a test came to; None where it was not made."""
        return next((each for each in self.evidence if each.command == test.command), None)

    def weights(self, test: Test) -> tuple[Weight, ...]:
        """What the registered arms of a test say, where it was made on as many seeds as it takes."""
        found = self.of(test)
        if found is None or too_few(test, found):
            return ()
        return tuple(arm.weight or "open" for arm in found.arms)

    @property
    def stand(self) -> str:
        """What its tests say together, a `Stand`, or what settles it without them.

        Controls have no voice, but one that goes the other way is named, and so are tests to come.
        """
        if self.settled and not self.tests:
            return self.settled
        own = [test for test in self.tests if test.role == "claim"]
        made = sum(self.of(test) is not None for test in own)
        stand, against = self._together(own), self._against()
        if stand == "not tested here":
            return stand
        left = f" so far ({made} of {len(own)} tests)" if made < len(own) else ""
        return f"{stand}{left}{', and its control goes against it' if against else ''}"

    def _together(self, tests: Sequence[Test]) -> Stand:
        said = {weight for test in tests for weight in self.weights(test)}
        if not any(self.of(test) for test in tests):
            return "not tested here"
        if {"for", "against"} <= said:
            return "divided"
        if said == {"for"}:
            return "holds"
        return "does not hold" if said == {"against"} else "open"

    def _against(self) -> bool:
        """Whether a control says the reverse."""
        controls = (test for test in self.tests if test.role == "control")
        return any("against" in self.weights(test) for test in controls)


def too_few(test: Test, found: Evidence) -> str:
    """The sentence that a test has too few seeds; empty where it has enough."""
    least = min((arm.seeds for arm in found.arms), default=0)
    if least >= test.seeds:
        return ""
    return f"{count(least, 'seed')} of {test.seeds}: too few, so it says nothing of the claim"


def claims(home: Path = HOME) -> tuple[Claim, ...]:
    """Every claim of the folder, by name. Raises AuditionError where there is none, or it is amiss."""
    found = tuple(claim_in(path) for path in sorted(home.glob("*.yaml")))
    if not found:
        raise AuditionError(f"there are no claims here: {home}/NAME.yaml would have one")
    return found


def claim_named(name: str, home: Path = HOME) -> Claim:
    """That claim. Raises AuditionError for another name."""
    known = [path.stem for path in sorted(home.glob("*.yaml"))]
    if name not in known:
        raise AuditionError(f"there is no claim '{name}'{choices(name, known)}")
    return claim_in(home / f"{name}.yaml")


def claim_in(path: Path) -> Claim:
    """The claim in a file, with the evidence in the JSON beside it.

    Raises AuditionError where one of them has other fields than it should.
    """
    try:
        plain = yaml.safe_load(read_text(path))
        beside = path.with_suffix(".json")
        found = filled_numbers(parsed(read_text(beside))) if beside.exists() else []
        if isinstance(plain, Mapping):
            plain = {**plain, "name": path.stem, "evidence": found}
        return read(Claim, plain)
    except AuditionError as error:
        raise AuditionError(f"{path} {error}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise AuditionError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def filled_numbers(plain: object) -> object:
    """Evidence as JSON had it, with not-a-number where a mean or an interval is missing."""
    if isinstance(plain, list):
        return [filled_numbers(each) for each in plain]
    if isinstance(plain, dict):
        numbers = ("baseline", "mean", "gain", "low", "high", "margin")
        return {
            name: filled(value, float("nan")) if name in numbers else filled_numbers(value)
            for name, value in plain.items()
        }
    return plain


def written(evidence: Sequence[Evidence]) -> object:
    """Evidence as JSON can hold it."""
    return finite([asdict(each) for each in evidence])


def _is_local(word: str) -> bool:
    """Whether a word says where runs go or how many at a time, which makes no other test."""
    return word.startswith(("paths.", "hydra.launcher."))

"""The plan of a sweep, written before its first run (preregistration)."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal

from audition.amount import COSTS
from audition.errors import AuditionError, choices
from audition.records.folder import Folder
from audition.records.record import now
from audition.records.store import is_name

ALPHA = 0.05
DEFAULT_SIDES: Literal["two", "one"] = "two"
"""Of an alpha that no plan speaks of, and of a new plan that does not choose."""


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """One arm of a plan."""

    name: str
    config_hash: str
    seeds: tuple[int, ...]
    cards: Mapping[str, str]  # idea -> digest of its card at the time


@dataclass(frozen=True, kw_only=True)
class PlannedClaim:
    """A claim of a plan: the same result for at most 1/k of a cost."""

    cost: str
    k: float | int
    delta: float | int | None  # the largest loss that does not count; None: by rule, from the runs
    arms: tuple[str, ...]  # config hashes
    controls: tuple[str, ...] = ()  # of a smaller plain model, trained for longer
    ladders: tuple[
        tuple[str, ...], ...
    ] = ()  # arms that differ in the length of the training alone

    def frees_budget(self, config_hash: str) -> bool:
        """Whether an arm may train for another length than the baseline: it is what is claimed of
        it, or a control."""
        of_length = self.cost in COSTS and COSTS[self.cost].length
        return config_hash in self.controls or (of_length and config_hash in self.arms)


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A plan of comparisons with one baseline, fixed before their results were known."""

    baseline_hash: str
    baseline_seeds: tuple[int, ...]
    arms: tuple[PlannedArm, ...]
    metric: str  # name in the records, e.g. val_loss
    # Numbers as they were written, since 1 and 1.0 have two digests.
    alpha: float | int = ALPHA  # error of the interval that decides
    sides: Literal["two", "one"] = "one"  # whom alpha is shared by; plans before 0.5 mean one
    sesoi: float | int | None = None  # smallest gain that counts; None: one pooled sigma
    design: str = "auto"  # auto: chosen by the statistics from the seeds that arms share
    judged_on: tuple[int, ...] = ()  # fresh seeds, the only ones a race judges its finalists on
    terms: str = ""  # how the arms were tuned beforehand; empty for default settings
    screening: bool = False  # it only chooses among settings, and no verdict rests on it
    primary: tuple[str, ...] = ()  # hashes of the arms that a registered report is about; else none
    expects: Literal["better", "worse", "equal"] = "better"  # of those, against the baseline
    sprint: float | int | None = None  # minutes after which whole seeds alone count; None: no limit
    claims: tuple[PlannedClaim, ...] = ()  # of efficiency; in the metric's unit
    command: str = ""
    written: str = ""  # ISO 8601, UTC
    number: int = 0  # 1 + the largest in the ledger then; 0 before 0.3
    seal: str = ""  # digest of all of the above; empty before 0.5

    def digest(self) -> str:
        """Sixteen characters that name the plan, equal whatever the date and the command."""
        return self._digest

    def arm(self, config_hash: str) -> PlannedArm | None:
        """The arm of that configuration, if it was announced."""
        return self._arms.get(config_hash)

    @cached_property
    def _digest(self) -> str:
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        plain |= {"written": "", "command": ""}
        del plain["number"], plain["seal"]
        if not self.primary:
            del plain["expects"]
        for later in ("terms", "screening", "primary", "claims"):
            if not plain[later]:  # plans of earlier versions keep their digests
                del plain[later]
        if self.sprint is None:
            del plain["sprint"]
        if plain["sides"] == "one":
            del plain["sides"]
        return _short(plain)

    def cut(self, outcomes: Collection[tuple[str, int]]) -> frozenset[int]:
        """The seeds of a sprint that some arm, or the baseline, has no outcome of; else none.

        outcomes: (config hash, seed) of all runs with an outcome.
        """
        if self.sprint is None:
            return frozenset()
        runs = [(arm.config_hash, seed) for arm in self.arms for seed in arm.seeds]
        runs += [(self.baseline_hash, seed) for seed in self.baseline_seeds]
        return frozenset(seed for key, seed in runs if (key, seed) not in outcomes)

    def frees_budget(self, config_hash: str) -> bool:
        """Whether an arm may train for another length than the baseline, by one of its claims."""
        return any(claim.frees_budget(config_hash) for claim in self.claims)

    def sealed(self) -> "Registration":
        """The plan with the digest of its date, number and command, which its name leaves out."""
        return replace(self, seal=self._seal())

    def misfit(self, stem: str) -> str:
        """Why it was edited after it was written as `stem`, following the file's name; else empty."""
        if any(not is_name(arm.name) or not is_name(arm.config_hash) for arm in self.arms):
            return "names an arm that no folder can be called"
        if self.digest() != stem:
            return f"was edited: its content is the plan {self.digest()}"
        if self.seal and self.seal != self._seal():
            return "was edited: its date, its number or its command is another"
        return ""

    def _seal(self) -> str:
        return _short([self.digest(), self.written, self.number, self.command])

    def names(self) -> dict[str, str]:
        """Config hash -> the name of the arm that was announced with it."""
        return {config_hash: arm.name for config_hash, arm in self._arms.items()}

    @cached_property
    def _arms(self) -> dict[str, PlannedArm]:
        return {arm.config_hash: arm for arm in reversed(self.arms)}


def _short(plain: object) -> str:
    # Not `asdict`, which copies every seed of every arm.
    text = json.dumps(plain, sort_keys=True, default=vars)
    return sha256(text.encode()).hexdigest()[:16]


PLANS = Folder("plans", Registration, misfit=Registration.misfit)
"""One file a plan, by its digest."""


def register(root: Path, plan: Registration) -> Path:
    """Write `plan` under the ledger at `root`; one that is there already keeps its place and date.

    Raises AuditionError where it cannot be written: without a plan no run should start.
    """
    path = PLANS.path(root, plan.digest())
    if not path.exists():
        number = 1 + max((each.number for each in registrations(root)), default=0)
        plan = replace(plan, written=now(), number=number).sealed()
        PLANS.write(root, plan.digest(), plan)
    return path


def registered(root: Path, digest: str) -> Registration | None:
    """The plan of that digest in the ledger at `root`; None where there is none."""
    return PLANS.get(root, digest) if re.fullmatch("[0-9a-f]{16}", digest) else None


def registrations(root: Path) -> tuple[Registration, ...]:
    """Every plan of the ledger at `root`, oldest first, without files that are none or were edited.

    Their numbers order them, since the clocks of two machines may not agree.
    """
    return tuple(sorted(PLANS.read(root)[0], key=lambda plan: (plan.number, plan.written)))


def plan_named(plans: Iterable[Registration], named: str) -> Registration:
    """The plan that is meant: by the beginning of its digest, an arm that it names first, or `latest`.

    Raises AuditionError where none or several are.
    """
    judging = [plan for plan in plans if not plan.screening]
    if named == "latest" and judging:
        return judging[-1]
    found = [plan for plan in judging if plan.digest().startswith(named)]
    if not found:
        found = [plan for plan in judging if named in plan.names().values()][:1]
    if len(found) != 1:
        known = [
            *(plan.digest()[:8] for plan in judging),
            *{n for p in judging for n in p.names().values()},
        ]
        what = "more than one plan begins with" if found else "there is no plan"
        raise AuditionError(f"{what} '{named}'{choices(named, known)}")
    return found[0]


def naming(plans: Iterable[Registration], config_hash: str, seed: int) -> str:
    """The digest of the first of `plans` with that run of an arm or a baseline; else empty."""
    for plan in plans:
        arm = plan.arm(config_hash)
        seeds = arm.seeds if arm else ()
        if plan.baseline_hash == config_hash:
            seeds = (*seeds, *plan.baseline_seeds)
        if seed in seeds and not plan.screening:
            return plan.digest()
    return ""

"""The runs that a question needs, each checked and named before the first one starts."""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from audition.budget import Budget
from audition.config.card import check_card
from audition.config.groups import root_of
from audition.config.identity import Identity, identify
from audition.config.root import more_seeds
from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.record import BASELINE, Record
from audition.records.store import Contents
from audition.sweep.arms import SEED, Arm, Question
from audition.sweep.check import check_alike, comparable, runnable
from audition.sweep.claimed import freed
from audition.sweep.compose import Compose
from audition.sweep.keys import check_axis, check_one_budget
from audition.sweep.resolve_auto import SETTLED
from audition.sweep.teacher import at_seed, seeded, with_teacher
from audition.tasks.measures import measures_of, metric_of, task_of
from audition.training.run_spec import RunSpec

HANDED_OUT = "AUDITION_JOB"
"""The environment variable of a command that a job of a cluster carries out."""


@dataclass(frozen=True)
class PlannedRun:
    """One run to be: everything a worker needs, and the names it will be filed under."""

    arm: Arm
    seed: int
    settings: Mapping[str, Any]
    identity: Identity
    baseline_hash: str  # empty for a trial of a search, which is compared with nothing
    plan: str = ""  # digest of the registered plan that it is begun for; empty without one

    @property
    def label(self) -> str:
        """What a person calls it."""
        return f"{self.arm.name} seed {self.seed}"

    @property
    def deployed(self) -> bool:
        """Whether it is made of a trained run, and not trained itself."""
        return bool(self.settings.get("deploy"))

    @property
    def ready(self) -> bool:
        """Whether it can begin: its parent, where it has one, has an outcome."""
        return not self.deployed or bool(self.settings["arm"]["weights"])

    @property
    def parent(self) -> Mapping[str, str]:
        """Of a deployed run: the place of its parent and the digest of its weights, once known."""
        if not self.deployed:
            return {}
        arm = self.settings["arm"]
        return {"place": arm["parent"] or "", "weights": arm["weights"] or ""}

    @property
    def overrides(self) -> tuple[str, ...]:
        """What to type to get this run alone."""
        return (*self.arm.overrides, f"seed={self.seed}")

    @cached_property
    def record(self) -> Record:
        """The record of the run as it will begin."""
        settings, task = self.settings, task_of(self.settings)
        cards = settings.get("cards") or {}
        return Record(
            key=self.identity.key,
            config_hash=self.identity.config_hash,
            baseline_hash=self.baseline_hash,
            arm=self.arm.name,
            ideas=tuple(settings.get("ideas") or {}),
            seed=self.seed,
            status="running",
            measures=measures_of(settings),
            primary=task.primary,
            unit=task.unit,
            evaluation=self.identity.evaluation,
            budget=Budget(**settings["budget"]).ruling(),
            device=settings["execution"]["device"],
            threads=settings["execution"]["threads"],
            cards={name: check_card(name, card).digest() for name, card in cards.items()},
            overrides=self.overrides,
            code=self.identity.code,
            plan=self.plan,
            parent=self.parent,
        )

    def spec(self, provenance: Mapping[str, Any]) -> RunSpec:
        """What is handed to the process that trains the run; `provenance` as `code_provenance` says."""
        return RunSpec(self.record, self.settings, provenance)


@dataclass(frozen=True)
class Plan:
    """All runs of a question, seeds innermost, the baseline first."""

    runs: tuple[PlannedRun, ...]
    baseline_hash: str
    parents: tuple[PlannedRun, ...] = ()  # trained runs that deployed ones are made of
    same_as_baseline: tuple[str, ...] = ()  # arms that turned out to be the baseline itself

    @property
    def output_dir(self) -> str:
        """Root of the ledger that the runs are filed in."""
        return str(self.runs[0].settings["paths"]["output_dir"])

    @property
    def metric(self) -> str:
        """What arms are judged by: the config's `metric`, or the task's primary one."""
        return metric_of(self.runs[0].settings)

    @property
    def measure(self) -> Measure:
        """How that metric is read."""
        return self.runs[0].record.measure(self.metric)

    def under(self, digest: str) -> "Plan":
        """The same, begun for the registered plan of that digest."""
        runs, parents = (
            tuple(replace(run, plan=digest) for run in runs) for runs in (self.runs, self.parents)
        )
        return replace(self, runs=runs, parents=parents)

    def missing(self, contents: Contents) -> tuple[PlannedRun, ...]:
        """The runs whose outcome the ledger does not hold yet."""
        settled = contents.settled()
        return tuple(run for run in self.runs if run.identity.key not in settled)

    def untrained(self, contents: Contents) -> tuple[PlannedRun, ...]:
        """The runs that are to be trained: those that are missing, and missing parents of others."""
        settled = contents.settled()
        own = [run for run in self.missing(contents) if not run.deployed]
        asked = {run.identity.key for run in own}
        more = (run for run in self.parents if run.identity.key not in settled)
        return (*own, *(run for run in more if run.identity.key not in asked))

    def arms(self) -> tuple[tuple[str, str], ...]:
        """(name, config hash) of each arm but the baseline, in the order asked for."""
        pairs = ((run.arm.name, run.identity.config_hash) for run in self.runs)
        return tuple(dict.fromkeys(pair for pair in pairs if pair[1] != self.baseline_hash))


Look = Callable[[int, int], None]
"""Is told how many arms are planned, and of how many."""


def make_plan(
    question: Question, compose: Compose, look: Look = lambda planned, many: None
) -> Plan:
    """Compose, check and identify every arm once, and repeat it over its seeds.

    The config's `baseline` (overrides) is laid over the common part to make the baseline arm, and
    `baseline_seeds` is how many seeds that arm has in all. Raises AuditionError for the first arm
    that cannot run, before anything has started.
    """
    common = checked(question.common, compose)
    seeds = question.seeds or (common["seed"],)
    overlaid = _overlaid(common["baseline"])
    baseline = Arm(BASELINE, (*question.common, *overlaid))
    settings = checked(baseline.overrides, compose) if overlaid else common
    identity = identify(settings)
    base_seeds = (*seeds, *_more(seeds, common["baseline_seeds"]))
    runs = list(_repeat(baseline, settings, identity, identity.config_hash, base_seeds))

    facts = comparable(settings, identity)
    names = {identity.config_hash: baseline.name}
    same = []
    free = freed(common)
    for planned, arm in enumerate(question.arms):
        look(planned, len(question.arms))
        if arm.name == BASELINE:
            raise AuditionError(
                f"an idea cannot be named '{BASELINE}', which is what it is up against"
            )
        settings = checked(arm.overrides, compose, identity.config_hash)
        own = identify(settings)
        other = {"budget": facts["budget"]} if free(arm) else {}
        check_alike(arm.name, comparable(settings, own) | other, facts)
        twin = names.get(own.config_hash)
        if twin == baseline.name:
            same.append(arm.name)
        elif twin is not None:
            raise AuditionError(f"arms '{twin}' and '{arm.name}' are one and the same: drop one")
        else:
            names[own.config_hash] = arm.name
            runs += _repeat(arm, settings, own, identity.config_hash, seeds)
    return Plan(tuple(runs), identity.config_hash, same_as_baseline=tuple(same))


def checked(overrides: Sequence[str], compose: Compose, baseline: str = "") -> Mapping[str, Any]:
    """The settings that `overrides` make; AuditionError where no run could have them.

    baseline: config hash of what an arm is compared with, its teacher only if no other has the name.
    """
    check_one_budget(overrides)
    settings = compose(overrides)
    told = SETTLED if os.environ.get(HANDED_OUT) else ()
    for key, value in settings["arm"].items():
        if value is not None and key not in told:
            raise AuditionError(
                f"arm.{key}={value!r} is for a sweep to tell the runs that it hands out: leave it out"
            )
    return with_teacher(runnable(settings), baseline)


def _overlaid(baseline: object) -> list[str]:
    """The overrides of `baseline=...`; AuditionError for one that makes no other arm."""
    try:
        words = [] if baseline is None else shlex.split(str(baseline))
    except ValueError as error:
        raise AuditionError(f"baseline={baseline!r} cannot be read: {error}") from None
    for word in words:
        if root_of(word) == SEED:
            raise AuditionError(
                f"baseline={baseline!r} sets a seed, and arms share their seeds: give seed=... alone"
            )
        check_axis(word.lstrip("+~").partition("=")[0])
    return words


def _more(seeds: tuple[int, ...], total: int | None) -> tuple[int, ...]:
    """The seeds of the baseline alone, where it is to have so many in all."""
    if total is None:
        return ()
    if total < len(seeds):
        raise AuditionError(
            f"baseline_seeds={total} is fewer than the {len(seeds)} seeds of the arms, each of which "
            "the baseline needs: leave it out, or give more"
        )
    return more_seeds(seeds, total - len(seeds))


def _repeat(
    arm: Arm,
    settings: Mapping[str, Any],
    identity: Identity,
    baseline_hash: str,
    seeds: Sequence[int],
) -> Sequence[PlannedRun]:
    return [
        PlannedRun(arm, own["seed"], own, seeded(identity, own), baseline_hash)
        for own in (at_seed(settings, seed) for seed in seeds)
    ]

"""A stream: one domain, or group of classes, after another, judged on all of them at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from audition.budget import Budget
from audition.data.fingerprint import fingerprint
from audition.errors import AuditionError, choices
from audition.measure import Measure, recorded
from audition.tasks.accuracy_matrix import Matrix, of_evaluations, summary
from audition.tasks.parting import Apart, opened, shared_out
from audition.tasks.task import Source, Task

if TYPE_CHECKING:
    from audition.data.phases import Phases
    from audition.recipe.batches import Clock
    from audition.recipe.evaluator import Evaluator
    from audition.recipe.recipe import Schedule
    from audition.recipe.signals import Controls
    from audition.recipe.streams import Streams

SUMMARY: Mapping[str, tuple[str, Literal["lower", "higher"] | None]] = {
    "average": ("{label}, mean of phases", None),
    "learning": ("{label} of a phase as it ends", None),
    "forgetting": ("forgetting", "lower"),
    "backward_transfer": ("backward transfer", "higher"),
    "forward_transfer": ("forward transfer", "higher"),
}
"""Name -> label and direction; None: that of the measure itself."""


@dataclass(frozen=True, kw_only=True)
class Stream(Task):
    """Phase ⌊step · K / steps⌋ trains on its part of the data alone; every evaluation is on all parts.

    Judged by the measure of `of` over all phases at the end. Beside it stand the measures of the
    matrix R, whose entry (i, j) is the measure on phase j after phase i: see
    `tasks/accuracy_matrix.py`.

    Where the data tell domains apart, phases are made of these; else of classes.
    """

    of: Task
    """What is asked within a phase: classification, or language."""
    phases: Annotated[int, Ge(1)] = 5
    """K. Domains or classes are shared out evenly; 1 is the plain task."""
    scenario: Literal["task", "domain", "class"] | None = None
    """What a row is told of its phase: `task`, which answers are its phase's; `domain`, nothing, and
    answers are places among those of the phase; `class`, nothing. null: class, where phases have
    classes of their own."""
    order: Literal["random", "fixed"] | tuple[str | int, ...] = "random"
    """Which come first: drawn by the seed, as the data have them, or all of them by name."""
    schedule: Literal["phase", "run"] = "phase"
    """Whether a schedule begins anew in each phase; over the whole run it starves the later ones."""
    moments: Literal["kept", "reset"] = "kept"
    """Whether the optimizer keeps its moments where a phase begins."""

    begins_untrained: ClassVar[bool] = True

    def __post_init__(self) -> None:
        # As those of the task within, which a class variable cannot be.
        object.__setattr__(self, "unit", self.of.unit)
        object.__setattr__(self, "measures", dict(self.of.measures))

    def measures_on(self, domains: Sequence[str]) -> Mapping[str, Measure]:
        """Those over all phases, on each, and those of the matrix R of the primary measure."""
        found, how = dict(self.measures), self.measures[self.primary]
        nothing = tuple((0.0,) * self.phases for _ in range(self.phases + 1))
        for name in summary(nothing, how):
            label, better = SUMMARY[name]
            label = label.format(label=how.label)
            found[f"val_{name}"] = Measure(label, how.unit, better or how.better)
        for phase in range(1, self.phases + 1):
            for name, how in self.measures.items():
                found[f"{name}_phase_{phase}"] = replace(how, label=f"{how.label}, phase {phase}")
        return found

    def evaluation_fingerprint(self, source: Source) -> str:
        """Not of the schedule or the moments, which change how a run learns, not what it is asked."""
        how = {"phases": self.phases, "scenario": self.scenario, "order": list(self.order)}
        return fingerprint({"stream of": self.of.evaluation_fingerprint(source), **how})

    def check(self, source: Source, budget: Budget, evaluations: int) -> None:
        self.of.check(source, budget, evaluations)
        self.check_parts(source)
        if budget.minutes is not None:
            raise AuditionError(
                f"budget.minutes={budget.minutes:g} does not say where a phase ends: set "
                f"budget.{self.unit} or budget.steps, and budget.minutes=null"
            )
        if evaluations % self.phases:
            raise AuditionError(
                f"training.evaluations={evaluations} would miss the ends of task.phases={self.phases}: "
                f"choose a multiple, such as training.evaluations={self.phases}"
            )
        steps = budget.total_steps(source.units_per_step)
        if steps is not None and steps < evaluations:
            raise AuditionError(
                f"a run of {steps} steps is too short for training.evaluations={evaluations}, which "
                "a stream needs at different steps: give it a larger budget"
            )

    def check_parts(self, source: Source) -> None:
        """Raises AuditionError where phases cannot be made of `source`."""
        apart = Apart.of(source)
        if not apart.names:
            raise AuditionError(
                f"a stream takes one domain or class after another, and {apart.data} tells none "
                "apart: choose data=two_domains (task=stream_text), or pictures with classes"
            )
        apart.check("task.phases", self.phases, self.scenario)
        if isinstance(self.order, tuple):
            _check_order([str(name) for name in self.order], apart.names, apart.what)

    def open(self, source: Source, streams: "Streams") -> "Phases":
        apart = Apart.of(source)
        groups = shared_out(self.ordered(apart.names, streams), self.phases)
        scenario = self.scenario or ("class" if apart.answers else "domain")
        return opened(self.of, source, streams, groups, scenario)

    def ordered(self, names: Sequence[str], streams: "Streams") -> list[str]:
        """`names` in the order of the phases; a random one is the seed's, whatever idea asks."""
        from torch import randperm

        from audition.recipe.streams import Streams

        if isinstance(self.order, tuple):
            return [str(name) for name in self.order]
        if self.order == "fixed":
            return list(names)
        root = Streams(streams.seed).child("task")
        drawn = randperm(len(names), generator=root.generator("order")).tolist()
        return [names[place] for place in drawn]

    def evaluators(self) -> "Mapping[str, Evaluator]":
        return self.of.evaluators()

    def scheduled(self, schedule: "Schedule") -> "Schedule":
        return PerPhase(schedule, self.phases) if self.schedule == "phase" else schedule

    def restarts(self, clock: "Clock") -> bool:
        from audition.data.phases import within_phase

        later = clock.step > 0 and within_phase(clock, self.phases).step == 0
        return self.moments == "reset" and later

    def summary(self, found: Sequence[Mapping[str, float]], due: int) -> Mapping[str, float]:
        how = self.measures[self.primary]
        told = summary(self._matrix(self.primary, found, due), how)
        return {f"val/{name}": value for name, value in told.items()}

    def history(self, found: Sequence[Mapping[str, float]], due: int) -> Mapping[str, Any]:
        """R of each measure, a row before training and one after each phase."""
        return {"matrices": {name: self._matrix(name, found, due) for name in self.measures}}

    def _matrix(self, measure: str, found: Sequence[Mapping[str, float]], due: int) -> Matrix:
        values = [{recorded(name): value for name, value in each.items()} for each in found]
        names = [f"{measure}_phase_{phase}" for phase in range(1, self.phases + 1)]
        rows = [[each[name] for name in names] for each in values]
        return of_evaluations(rows, due // self.phases)


@dataclass(frozen=True, kw_only=True)
class StreamOfTexts(Stream):
    """A stream of two texts, as the data have them: `data.first`, then `data.second`."""

    phases: Annotated[int, Ge(1)] = 2
    """K. Texts are shared out evenly; 1 is the plain task."""
    order: Literal["random", "fixed"] | tuple[str | int, ...] = "fixed"
    """Which come first: drawn by the seed, as the data have them, or all of them by name."""


@dataclass(frozen=True)
class PerPhase:
    """A schedule that begins anew in each phase."""

    schedule: "Schedule"
    phases: int

    def __call__(self, clock: "Clock") -> "Controls":
        from audition.data.phases import within_phase

        return self.schedule(within_phase(clock, self.phases))


def _check_order(order: Sequence[str], names: Sequence[str], what: str) -> None:
    for name in order:
        if name not in names:
            raise AuditionError(
                f"task.order names '{name}', which the data lack{choices(name, names)}"
            )
    if sorted(order) != sorted(names):
        raise AuditionError(
            f"task.order has to name each of the {len(names)} {what} once: {', '.join(names)}"
        )

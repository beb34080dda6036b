"""A mixture: several domains, or groups of classes, are trained on at once and each is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge

from audition.budget import Budget
from audition.data.fingerprint import fingerprint
from audition.errors import AuditionError
from audition.measure import Measure, recorded
from audition.tasks.parting import Apart, opened, shared_out
from audition.tasks.task import Source, Task

if TYPE_CHECKING:
    from audition.data.phases import AtOnce
    from audition.recipe.evaluator import Evaluator
    from audition.recipe.streams import Streams

WORST = "val_worst"
"""The measure of the part on which the primary one is worst."""


@dataclass(frozen=True, kw_only=True)
class Mixture(Task):
    """Every batch has rows of all parts, as the data mix them; `Batch.groups` says of which a row is.

    Judged by the measure of `of` over all held-out rows. Beside it stand the same of each part by
    itself, and the worst of these. A model with a true attribute `routed` is told the groups. It is
    what `+idea=joint` makes of a stream of the same parts.
    """

    of: Task
    """What is asked within a part: classification, or language."""
    parts: Annotated[int, Ge(1)] = 2
    """Domains or classes are shared out evenly; 1 is the plain task."""
    scenario: Literal["task", "domain", "class"] | None = None
    """What a row is told of its part: `task`, which answers are its part's, a head for each;
    `domain`, nothing, and answers are places among those of the part; `class`, nothing. null: task,
    where parts have classes of their own, else domain."""

    def __post_init__(self) -> None:
        # As those of the task within, which a class variable cannot be.
        object.__setattr__(self, "unit", self.of.unit)
        object.__setattr__(self, "measures", dict(self.of.measures))

    def measures_on(self, domains: Sequence[str]) -> Mapping[str, Measure]:
        """Those over all parts, the worst of the primary one, and those of each part."""
        found, how = dict(self.measures), self.measures[self.primary]
        found[WORST] = replace(how, label=f"{how.label}, the worst part", worth=None)
        for part in self._called(domains):
            for name, each in self.measures.items():
                found[f"{name}_{part}"] = replace(each, label=f"{each.label} on {part}")
        return found

    def evaluation_fingerprint(self, source: Source) -> str:
        how = {"parts": self.parts, "scenario": self.scenario}
        return fingerprint({"mixture of": self.of.evaluation_fingerprint(source), **how})

    def check(self, source: Source, budget: Budget, evaluations: int) -> None:
        self.of.check(source, budget, evaluations)
        apart = Apart.of(source)
        if not apart.names:
            raise AuditionError(
                f"a mixture has several domains or classes, and {apart.data} tells none apart: "
                "choose data=two_sets, data=two_domains (task=mixture_text), or pictures with classes"
            )
        apart.check("task.parts", self.parts, self.scenario)

    def open(self, source: Source, streams: "Streams") -> "AtOnce":
        from audition.data.phases import AtOnce

        apart = Apart.of(source)
        groups = shared_out(apart.names, self.parts)
        scenario = self.scenario or ("task" if apart.answers else "domain")
        names = self._called(getattr(source, "domains", ()))
        return AtOnce(opened(self.of, source, streams, groups, scenario, names))

    def evaluators(self) -> "Mapping[str, Evaluator]":
        return self.of.evaluators()

    def summary(self, found: Sequence[Mapping[str, float]], due: int) -> Mapping[str, float]:
        """The worst part at the last evaluation."""
        how = self.measures[self.primary]
        start = f"{self.primary}_"
        last = {recorded(name): value for name, value in found[-1].items()} if found else {}
        each = [value for name, value in last.items() if name.startswith(start)]
        if not each:
            return {}
        return {WORST.replace("_", "/", 1): max(each, key=how.as_loss)}

    def _called(self, domains: Sequence[str]) -> tuple[str, ...]:
        """What measures call the parts: as the domain that each is, or else by number."""
        if len(domains) == self.parts > 1:
            return tuple(domains)
        return tuple(f"part_{i + 1}" for i in range(self.parts))

"""Few-shot episodes: learn classes that training never showed from a few pictures of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Gt

from audition.data.fingerprint import fingerprint
from audition.errors import AuditionError
from audition.measure import Measure
from audition.tasks.classification import Classification
from audition.tasks.task import Source, Task

if TYPE_CHECKING:
    import torch

    from audition.recipe.batches import Batch, Batches, Clock
    from audition.recipe.evaluator import Episode, Evaluator
    from audition.recipe.streams import Streams

CHOICE = 1797
"""Seeds which classes are novel and which pictures an episode has: the same for every run."""


@dataclass(frozen=True, kw_only=True)
class Episodes(Task):
    """Trained on some classes and judged on episodes of the others (Vinyals et al. 2016).

    An episode has `ways` novel classes, `shots` pictures of each to learn from (its support) and
    `queries` others of each that are asked. All arms and seeds have the same episodes. What learns
    is the run itself: its loss, gradient rule and effects, by plain SGD.

    `val_interval` is 1.96 s/√n of the accuracy over the n episodes: how well this one model is
    known. A verdict counts seeds. `val_floor` is the accuracy of the nearest mean of the support's
    pixels; what does not reach it has learned nothing that helps.
    """

    unit: ClassVar[str] = Classification.unit
    measures: ClassVar[Mapping[str, Measure]] = {
        "val_accuracy": Measure("accuracy", "%", "higher", worth=0.5),
        "val_loss": Measure("loss", "nats/example"),
        "val_interval": Measure("±, over episodes", "%"),
        "val_floor": Measure("floor of pixels", "%", "higher"),
    }

    of: Classification
    """What is trained on."""
    novel: Annotated[int, Ge(2)] = 5
    """Classes that training never shows."""
    ways: Annotated[int, Ge(2)] = 5
    """Novel classes of an episode."""
    shots: Annotated[int, Ge(1)] = 5
    """Pictures of each to learn from."""
    queries: Annotated[int, Ge(1)] = 15
    """Further pictures of each that are asked."""
    count: Annotated[int, Ge(2)] = 600
    """Episodes; fewer than 600 leave a wide interval."""
    rate: Annotated[float, Ge(0)] = 0.3
    """Learning rate of SGD within an episode."""
    steps: Annotated[int, Gt(0)] = 10
    """Steps on the support."""

    def __post_init__(self) -> None:
        if self.ways > self.novel:
            raise AuditionError(
                f"task.ways={self.ways} is more than the task.novel={self.novel} classes that "
                "episodes choose from: give fewer ways or more novel classes"
            )

    def evaluation_fingerprint(self, source: Source) -> str:
        data = source.evaluation_fingerprint
        return fingerprint({"episodes": asdict(self), "chosen by": CHOICE, "data": data})

    def open(self, source: Source, streams: "Streams") -> "Batches":
        """The batches of the other classes. Raises AuditionError where there are too few classes."""
        batches = self.of.open(source, streams)
        name, classes = type(source).__name__, batches.shape.outputs
        if not hasattr(batches, "within"):
            raise AuditionError(f"task=episodes needs pictures by class, and {name} has none")
        if self.novel > classes - 2:
            raise AuditionError(
                f"task.novel={self.novel} of the {classes} classes of {name} leaves fewer than two "
                "to train on"
            )
        return FewShot(batches, self)

    def evaluators(self) -> "Mapping[str, Evaluator]":
        from audition.evaluators.few_shot import AfterSupport

        return {"val": AfterSupport(rate=self.rate, steps=self.steps)}


class FewShot:
    """Batches of the base classes, and episodes of the novel ones.

    Every class has an answer of its own, and a row may be given those of its side alone: the head's
    rows of novel classes are as they were drawn until an episode learns them.
    """

    domains: tuple[str, ...] = ()

    def __init__(self, whole: "Batches", task: Episodes) -> None:
        import numpy as np
        import torch

        self.shape, self.task = whole.shape, task
        order = np.random.default_rng(CHOICE).permutation(whole.shape.outputs).tolist()
        self.novel, self.base = sorted(order[: task.novel]), sorted(order[task.novel :])
        self._base, self._novel = (
            whole.within(*map(str, side))  # type: ignore[attr-defined]
            for side in (self.base, self.novel)
        )
        self._allowed = torch.zeros(whole.shape.outputs, dtype=torch.bool)
        self._allowed[self.base] = True

    def train(self, clock: "Clock") -> "Batch":
        return _answering(self._base.train(clock), self._allowed)

    def probe(self, step: int) -> "Batch":
        return _answering(self._base.probe(step), self._allowed)

    def held_out(self, at_once: int = 2048) -> Iterator["Batch"]:
        """Of the base classes: what further evaluators read."""
        for batch in self._base.held_out(at_once):
            yield _answering(batch, self._allowed)

    def episodes(self) -> Iterable["Episode"]:
        """Support and query of each, drawn from the held-out pictures of the novel classes."""
        import torch

        for classes, support, query in self.draws:
            allowed = torch.zeros(self.shape.outputs, dtype=torch.bool)
            allowed[classes] = True
            learn, score = (
                _answering(self._pictures.cut(rows), allowed) for rows in (support, query)
            )
            yield ("learn", learn), ("score", score)

    @cached_property
    def draws(self) -> Sequence[tuple[list[int], "torch.Tensor", "torch.Tensor"]]:
        """The classes of each episode, and the places of its support and of its query."""
        import numpy as np
        import torch

        task = self.task
        rng = np.random.default_rng(CHOICE)
        classes = self._pictures.targets.numpy()
        places = {each: np.flatnonzero(classes == each) for each in self.novel}
        fewest = min(map(len, places.values()))
        if task.shots + task.queries > fewest:
            raise AuditionError(
                f"task.shots={task.shots} and task.queries={task.queries} are more than the {fewest} "
                "pictures that are held out of a class"
            )
        found = []
        for _ in range(task.count):
            chosen = rng.choice(self.novel, task.ways, replace=False).tolist()
            rows = np.stack(
                [rng.choice(places[c], task.shots + task.queries, replace=False) for c in chosen]
            )
            support, query = np.split(rows, [task.shots], axis=1)
            found.append(
                (chosen, torch.from_numpy(support.ravel()), torch.from_numpy(query.ravel()))
            )
        return found

    @cached_property
    def _pictures(self) -> "Batch":
        """All held-out pictures of the novel classes."""
        import torch

        parts: list[Batch] = list(self._novel.held_out())
        fields = ("inputs", "targets", "ids", "groups")
        whole = {name: torch.cat([getattr(part, name) for part in parts]) for name in fields}
        return replace(parts[0], **whole)


def _answering(batch: "Batch", allowed: "torch.Tensor") -> "Batch":
    """The batch, whose rows may be given the answers that are `allowed`, [V]."""
    return replace(batch, allowed=allowed.expand(batch.rows, -1))

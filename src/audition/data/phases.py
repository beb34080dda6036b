"""Batches of one phase after another: a stream of domains, or of classes, without their return.

Shape suffixes: B rows of a batch, K phases, V answers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe.batches import Batch, Batches, Clock, Divisible, carry_text

Scenario = Literal["task", "domain", "class"]


class Phases:
    """The `Batches` of K phases; `groups` says of which phase a row is, from 0.

    Phase ⌊step · K / steps⌋ trains on its own part alone, from the beginning of that part's order.
    The held-out rows are those of all phases, at every evaluation.
    """

    def __init__(
        self,
        whole: Divisible,
        names: Sequence[tuple[str, ...]],
        *,
        answers: Sequence[Sequence[int]] = (),
        scenario: Scenario = "domain",
        domains: Sequence[str] = (),
    ) -> None:
        """Phases of `whole`.

        Args:
            whole: the batches of all phases at once.
            names: of the domains, or classes, of each phase, which together are all.
            answers: the numbers of the classes of each phase; empty where all phases share theirs.
            scenario: `task`: the answers of its phase alone may be given to a row, in training and
                at test; `domain`: an answer is a place among those of its phase; `class`: neither
                (van de Ven & Tolias 2019).
            domains: what measures call the phases; by default `phase_1` and so on.
        """
        self.whole, self.names, self.scenario = whole, tuple(names), scenario
        self.domains = tuple(domains) or tuple(f"phase_{i + 1}" for i in range(len(names)))
        self.parts = tuple(whole.within(*each) for each in names)
        self.shape = whole.shape
        self._allowed: Tensor | None = None  # [K, V]
        self._places: Tensor | None = None  # [K, V], of each answer among those of the phase
        self._phase_of: Tensor | None = None  # [V], of each answer
        if answers:
            self._phase_of = torch.zeros(whole.shape.outputs, dtype=torch.int64)
            for phase, classes in enumerate(answers):
                self._phase_of[list(classes)] = phase
        if answers and scenario == "task":
            self._allowed = torch.zeros(len(answers), whole.shape.outputs, dtype=torch.bool)
            for phase, classes in enumerate(answers):
                self._allowed[phase, list(classes)] = True
        elif answers and scenario == "domain":
            self._places = torch.zeros(len(answers), whole.shape.outputs, dtype=torch.int64)
            for phase, classes in enumerate(answers):
                self._places[phase, sorted(classes)] = torch.arange(len(classes))
            self.shape = replace(whole.shape, outputs=max(map(len, answers)))
        places = {name: i for i, group in enumerate(names) for name in group}
        self._part_of = torch.tensor([places[name] for name in whole.domains], dtype=torch.int64)
        carry_text(whole, self)
        self._steps: int | None = None  # of the run, which `probe` is not told

    def phase(self, clock: Clock) -> int:
        """The phase that trains at `clock`, from 0."""
        if clock.steps is None:
            return min(int(clock.fraction * len(self.parts)), len(self.parts) - 1)
        return min(clock.step * len(self.parts) // clock.steps, len(self.parts) - 1)

    def train(self, clock: Clock) -> Batch:
        self._steps = clock.steps
        phase = self.phase(clock)
        return self.of(self.parts[phase].train(within_phase(clock, len(self.parts))), phase)

    def at_once(self, clock: Clock) -> Batch:
        """The batch of all phases at once: joint training, which no stream can have."""
        return self.known(self.whole.train(clock))

    def known(self, batch: Batch) -> Batch:
        """Rows of the whole as rows of their phases, told by their answers or else by their domain."""
        if self._phase_of is not None:
            return self.of(batch, self._phase_of[batch.targets])
        return self.of(batch, self._part_of[batch.groups] if len(self.parts) > 1 else 0)

    def of(self, batch: Batch, phase: int | Tensor) -> Batch:
        """Rows of parts as rows of their phases, [B] or one for all: group, and possible answers."""
        groups = torch.zeros_like(batch.groups) + phase
        if self._allowed is not None:
            return replace(batch, groups=groups, allowed=self._allowed[groups])
        if self._places is not None:
            return replace(batch, groups=groups, targets=self._places[groups, batch.targets])
        return replace(batch, groups=groups)

    def probe(self, step: int) -> Batch:
        """Of the phase that trains at `step`: what comes later must not be looked at."""
        phase = self.phase(Clock(step, self._steps))
        return self.of(self.parts[phase].probe(step), phase)

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        for phase, part in enumerate(self.parts):
            for batch in part.held_out(at_once):
                yield self.of(batch, phase)


def within_phase(clock: Clock, phases: int) -> Clock:
    """The clock of the phase that `clock` is in, which begins at 0; `clock` itself for one phase.

    Examples:
        The third step of the second of five phases, which has 20 of the 100 steps:

        >>> within_phase(Clock(22, 100, 0.22), 5)
        Clock(step=2, steps=20, fraction=0.1)
    """
    if phases == 1:
        return clock
    if clock.steps is None:
        return replace(clock, fraction=clock.fraction * phases % 1.0)
    phase = min(clock.step * phases // clock.steps, phases - 1)
    first, end = (-(-p * clock.steps // phases) for p in (phase, phase + 1))
    step, steps = clock.step - first, end - first
    return Clock(step, steps, step / steps)


class Around:
    """Batches of a stream with other rows to train on, and the same to look at and to be judged on."""

    def __init__(self, phases: Phases) -> None:
        self.phases = phases
        self.shape, self.domains = phases.shape, phases.domains
        carry_text(phases, self)

    def train(self, clock: Clock) -> Batch:
        """As the stream has them; what stands around it says otherwise."""
        return self.phases.train(clock)

    def probe(self, step: int) -> Batch:
        return self.phases.probe(step)

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        return self.phases.held_out(at_once)


class AtOnce(Around):
    """The rows of all phases, in the order of the plain task: no stream any more."""

    def train(self, clock: Clock) -> Batch:
        return self.phases.at_once(clock)

    def probe(self, step: int) -> Batch:
        return self.phases.known(self.phases.whole.probe(step))


def phases_of(batches: Batches, idea: str) -> Phases:
    """`batches` as those of a stream; raises AuditionError, naming the idea, where they are none."""
    while isinstance(batches, Around) and not isinstance(batches, AtOnce):
        batches = batches.phases
    if not isinstance(batches, Phases):
        raise AuditionError(
            f"{idea} is for phases that follow each other, and these data have none: choose "
            "task=stream"
        )
    return batches


def together(first: Batch, second: Batch, order: Tensor) -> Batch:
    """The rows of both, in `order` of their places one behind the other."""

    def joined(one: Tensor | None, other: Tensor | None) -> Tensor | None:
        return None if one is None or other is None else torch.cat([one, other])[order]

    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return Batch(*(joined(one, other) for one, other in pairs))  # type: ignore[arg-type]

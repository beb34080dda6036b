"""The small values that pass between the rooms of a run: batches, clocks, controls, gradients.

Shape suffixes: B rows of a batch, T tokens of a row.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor, nn

from audition.errors import AuditionError
from audition.recipe.streams import Streams

Tensors = Mapping[str, Tensor]
"""Parameter name -> tensor of that parameter's shape."""


@dataclass(frozen=True)
class Batch:
    """Token windows and what follows each token."""

    inputs: Tensor  # [B, T] int64
    targets: Tensor  # [B, T] int64, targets[b, t] is the token after inputs[b, t]
    documents: Tensor  # [B] int64, index of the document a row was cut from

    @property
    def rows(self) -> int:
        return self.inputs.shape[0]

    @property
    def units(self) -> int:
        """Predictions asked for: tokens of text, or examples; what a budget counts."""
        return self.targets.numel()

    def to(self, device: str) -> "Batch":
        """This batch on `device`; itself where it is there already."""
        if self.inputs.device.type == device:
            return self
        moved = (t.to(device, non_blocking=True) for t in self._tensors())
        return Batch(*moved)

    def _tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.inputs, self.targets, self.documents

    def split(self, parts: int) -> Iterator["Batch"]:
        """`parts` batches of equal size, in order; AuditionError where `parts` does not divide."""
        size, rest = divmod(self.rows, parts)
        if rest:
            raise AuditionError(
                f"a batch of {self.rows} rows cannot be split into {parts} equal parts: "
                f"make data.batch_size a multiple of {parts}"
            )
        for i in range(0, self.rows, size):
            rows = slice(i, i + size)
            yield Batch(self.inputs[rows], self.targets[rows], self.documents[rows])


class Batches(Protocol):
    """Where a run's tokens come from. Every method is a pure function of its arguments."""

    vocab_size: int

    def train(self, step: int) -> Batch:
        """The whole batch of optimizer step `step`, counted from 0."""
        ...

    def probe(self, step: int) -> Batch:
        """A batch of training text that no step trains on: what an idea may look at."""
        ...

    def held_out(self, tokens: int = 2048) -> Iterator[Batch]:
        """The fixed validation windows, the same for every arm and seed, about `tokens` a batch."""
        ...

    def byte_lengths(self) -> Tensor:
        """[vocab_size] int64: the UTF-8 bytes that each token id stands for."""
        ...


@dataclass(frozen=True)
class Clock:
    """Where a run stands: `step` of `steps` (None when the budget is wall time), and the fraction."""

    step: int
    steps: int | None
    fraction: float  # of the budget already spent, in [0, 1)


@dataclass(frozen=True)
class Controls:
    """Gains on the optimizer's and the model's own settings, made fresh every step.

    1.0 leaves a setting as configured, so `Controls()` is the neutral element, and nothing can
    compound from step to step: a rate is always its configured value times this step's gain.
    """

    lr: float = 1.0
    momentum: float = 1.0
    weight_decay: float = 1.0
    dropout: float = 1.0


@dataclass(frozen=True)
class Cost:
    """Compute spent, in whole step-batches: 1.0 forward is one forward pass over a step's tokens."""

    forward: float = 0.0
    backward: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.forward + other.forward, self.backward + other.backward)

    def __mul__(self, share: float) -> "Cost":
        return Cost(self.forward * share, self.backward * share)


@dataclass(frozen=True)
class Gradient:
    """What a gradient rule makes of a batch."""

    grads: Tensors  # empty when closed
    terms: Mapping[str, Tensor]  # named scalar loss terms, detached; their sum was trained
    cost: Cost
    halves: tuple[Tensors, ...] = ()  # gradients of the batch's halves, where a rule measured them
    closed: bool = False  # no update happens: neither weights nor moments nor decay move

    def with_grads(self, grads: Tensors) -> "Gradient":
        return replace(self, grads=grads)


Loss = Callable[[nn.Module, Batch], Mapping[str, Tensor]]
"""(model, batch) -> named scalar terms, each a mean over the batch's tokens; their sum is trained."""


@dataclass(frozen=True)
class Problem:
    """What a gradient rule is asked: the gradient of this loss, of this model, on this batch."""

    model: nn.Module
    params: Mapping[str, nn.Parameter]  # the model's, by qualified name
    loss: Loss
    batch: Batch
    micro_batches: int = 1  # the batch is passed in this many pieces, to bound memory
    context: Callable[[], AbstractContextManager[object]] = nullcontext  # of the forward pass

    def on(self, batch: Batch) -> "Problem":
        """The same question about another batch, in the fewest pieces no longer than these."""
        longest = max(1, self.batch.rows // self.micro_batches)
        whole = (n for n in range(1, batch.rows + 1) if batch.rows % n == 0)
        pieces = next(n for n in whole if batch.rows // n <= longest)
        return replace(self, batch=batch, micro_batches=pieces)


GradientRule = Callable[[Problem], Gradient]


@dataclass(frozen=True)
class View:
    """All that an effect may know beyond its signal. Validation data and losses are not in here."""

    clock: Clock
    controls: Controls
    params: Tensors  # live weights, to read and never write; in `on_updates`, those before it
    streams: Streams  # the effect's own

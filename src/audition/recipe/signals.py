"""The small values that pass between the rooms of a run: batches, clocks, controls, gradients.

Shape suffixes: B rows of a batch, T tokens of a row, V outputs (vocabulary or classes).
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
class Shape:
    """What a model reads and how many answers it chooses from.

    Examples:
        >>> Shape((64,), 65)  # windows of 64 token ids from a vocabulary of 65
        Shape(inputs=(64,), outputs=65)
        >>> Shape((1, 8, 8), 10)  # grey pictures of 8 x 8 in ten classes
        Shape(inputs=(1, 8, 8), outputs=10)
    """

    inputs: tuple[int, ...]  # of one row: (T,) token ids, or (channels, height, width)
    outputs: int  # V: vocabulary, or classes


@dataclass(frozen=True)
class Batch:
    """Rows to be answered, and the answers.

    Examples:
        Two windows of three tokens each: six predictions.

        >>> import torch
        >>> from audition import Batch
        >>> text = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
        >>> batch = Batch(text[:, :-1], text[:, 1:], ids=torch.arange(2), groups=torch.zeros(2))
        >>> batch.rows, batch.units
        (2, 6)
        >>> [half.inputs.tolist() for half in batch.split(2)]
        [[[1, 2, 3]], [[5, 6, 7]]]
    """

    inputs: Tensor  # [B, T] int64 token ids, or [B, C, H, W] float32
    targets: Tensor  # [B, T] int64, the token after each input, or [B] int64 classes
    ids: Tensor  # [B] int64: which example a row is (of text, the place of its first token)
    groups: Tensor  # [B] int64: which document, domain or stage a row is from
    allowed: Tensor | None = None  # [B, V] bool, the answers that may be given; None: every one

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
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

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
            yield self._each(lambda tensor: tensor[rows])  # noqa: B023 (called at once)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        fields = (self.inputs, self.targets, self.ids, self.groups, self.allowed)
        return Batch(*(None if t is None else change(t) for t in fields))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Clock:
    """Where a run stands: `step` of `steps` (None when the budget is wall time), and the fraction.

    Examples:
        >>> from audition import Clock
        >>> Clock(step=650, steps=1300, fraction=0.5)
        Clock(step=650, steps=1300, fraction=0.5)
    """

    step: int
    steps: int | None = None
    fraction: float = 0.0  # of the budget already spent, in [0, 1)


class Batches(Protocol):
    """Where a run's rows come from. Every method is a pure function of its arguments.

    Examples:
        A source of one repeated row, enough for a test:

        >>> import torch
        >>> from audition import Batch, Batches, Clock, Shape
        >>> class Repeated:
        ...     shape = Shape((4,), 10)
        ...     domains = ()
        ...
        ...     def train(self, clock: Clock) -> Batch:
        ...         row = torch.arange(5).unsqueeze(0)
        ...         return Batch(row[:, :-1], row[:, 1:], torch.zeros(1), torch.zeros(1))
        ...
        ...     def probe(self, step: int) -> Batch:
        ...         return self.train(Clock(step))
        ...
        ...     def held_out(self, at_once: int = 2048):
        ...         yield self.train(Clock(0))
        >>> batches: Batches = Repeated()
        >>> batches.train(Clock(7)).targets
        tensor([[1, 2, 3, 4]])
    """

    shape: Shape
    domains: tuple[str, ...]
    """Names of the groups that are told apart, by the number in `Batch.groups`; () if none are."""

    def train(self, clock: Clock) -> Batch:
        """The whole batch of the optimizer step at `clock`.

        Most read `clock.step` alone; a stream or a curriculum reads how much is spent.
        """
        ...

    def probe(self, step: int) -> Batch:
        """A batch of training data that no step trains on: what an idea may look at."""
        ...

    def held_out(self, at_once: int = 2048) -> Iterator[Batch]:
        """The fixed validation rows, the same for every arm and seed, about `at_once` units each."""
        ...


@dataclass(frozen=True)
class Controls:
    """Gains on the optimizer's and the model's own settings, made fresh every step.

    1.0 leaves a setting as configured, so `Controls()` is the neutral element, and nothing can
    compound from step to step: a rate is always its configured value times this step's gain.

    Examples:
        >>> from audition import Controls
        >>> Controls(lr=0.5)
        Controls(lr=0.5, momentum=1.0, weight_decay=1.0, dropout=1.0)
    """

    lr: float = 1.0
    momentum: float = 1.0
    weight_decay: float = 1.0
    dropout: float = 1.0


@dataclass(frozen=True)
class Cost:
    """Compute spent, in whole step-batches: 1.0 forward is one forward pass over a step's tokens.

    Examples:
        A plain step, and one more look at a quarter of the batch:

        >>> from audition import Cost
        >>> Cost(forward=1.0, backward=1.0) + Cost(forward=1.0) * 0.25
        Cost(forward=1.25, backward=1.0)
    """

    forward: float = 0.0
    backward: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.forward + other.forward, self.backward + other.backward)

    def __mul__(self, share: float) -> "Cost":
        return Cost(self.forward * share, self.backward * share)


@dataclass(frozen=True)
class Gradient:
    """What a gradient rule makes of a batch.

    Examples:
        Closing a step, so that nothing moves, yet its passes are counted:

        >>> from dataclasses import replace
        >>> import torch
        >>> from audition import Cost, Gradient
        >>> gradient = Gradient({"w": torch.ones(2)}, {"loss": torch.tensor(1.5)}, Cost(1.0, 1.0))
        >>> closed = replace(gradient, grads={}, closed=True)
        >>> closed.closed, closed.cost
        (True, Cost(forward=1.0, backward=1.0))
    """

    grads: Tensors  # empty when closed
    terms: Mapping[str, Tensor]  # named scalar loss terms, detached; their sum was trained
    cost: Cost
    halves: tuple[Tensors, ...] = ()  # gradients of the batch's halves, where a rule measured them
    closed: bool = False  # no update happens: neither weights nor moments nor decay move

    def with_grads(self, grads: Tensors) -> "Gradient":
        return replace(self, grads=grads)


@dataclass(frozen=True)
class Predict:
    """A model put to batches: the one place where the two meet.

    Args:
        model: reads `Batch.inputs`; one with a true attribute `routed` is told the groups as well.
        own: the parameters and state of the loss itself, where it has any.

    Examples:
        >>> import torch
        >>> from audition import Batch, Predict
        >>> predict = Predict(torch.nn.Linear(4, 10))
        >>> four = torch.zeros(3, 4)
        >>> batch = Batch(four, torch.tensor([0, 1, 2]), torch.arange(3), torch.zeros(3))
        >>> predict(batch).shape  # [B, V]
        torch.Size([3, 10])
    """

    model: nn.Module
    own: nn.Module | None = None

    def __call__(self, batch: Batch) -> Tensor:
        """float32 logits, [B, T, V] of text or [B, V] of examples; −∞ where not allowed."""
        routed = getattr(self.model, "routed", False)
        found = self.model(batch.inputs, batch.groups) if routed else self.model(batch.inputs)
        logits: Tensor = found.float()
        if batch.allowed is None:
            return logits
        allowed = batch.allowed if logits.ndim == 2 else batch.allowed[:, None]
        return logits.masked_fill(~allowed, float("-inf"))


class Loss:
    """What is trained on. A loss without parameters or state of its own needs `__call__` alone.

    Examples:
        Cross-entropy with a small penalty on the size of the logits:

        >>> import torch
        >>> from audition import Batch, Clock, Loss, Predict
        >>> class Calm(Loss):
        ...     def __call__(self, predict, batch, clock):
        ...         logits = predict(batch).flatten(0, -2)
        ...         right = torch.nn.functional.cross_entropy(logits, batch.targets.flatten())
        ...         return {"cross_entropy": right, "size": 1e-4 * logits.square().mean()}
        >>> rows = Batch(torch.zeros(2, 4), torch.tensor([0, 1]), torch.arange(2), torch.zeros(2))
        >>> sorted(Calm()(Predict(torch.nn.Linear(4, 10)), rows, Clock(0)))
        ['cross_entropy', 'size']
    """

    def init(self, shape: Shape) -> nn.Module | None:
        """A module with the loss's own parameters (trained along) and state (its buffers)."""
        return None

    def __call__(self, predict: Predict, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        """Named scalar terms, each a mean over the batch's predictions; their sum is trained.

        `predict(batch)` gives logits; `predict.model` is there for a loss that reads features,
        `predict.own` is what `init` made.
        """
        raise NotImplementedError(f"{type(self).__name__} says nothing of what is trained on")


def ask(loss: Loss, predict: Predict, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
    """The terms of `loss` on `batch`: model and loss in one function, so that they compile as one."""
    return loss(predict, batch, clock)


Ask = Callable[[Loss, Predict, Batch, Clock], Mapping[str, Tensor]]
"""`ask`, or what torch compiled of it."""


@dataclass(frozen=True)
class Problem:
    """What a gradient rule is asked: the gradient of this loss, of this model, on this batch.

    Examples:
        >>> import torch
        >>> from audition import Batch, Problem, backward
        >>> from audition.parts.loss.cross_entropy import CrossEntropy
        >>> model = torch.nn.Linear(4, 10)
        >>> rows = Batch(torch.ones(2, 4), torch.tensor([0, 1]), torch.arange(2), torch.zeros(2))
        >>> problem = Problem(model, dict(model.named_parameters()), CrossEntropy(), rows)
        >>> gradient = backward(problem)
        >>> {name: tuple(grad.shape) for name, grad in gradient.grads.items()}
        {'weight': (10, 4), 'bias': (10,)}
    """

    model: nn.Module
    params: Mapping[str, nn.Parameter]  # the model's and the loss's, by qualified name
    loss: Loss
    batch: Batch
    micro_batches: int = 1  # the batch is passed in this many pieces, to bound memory
    context: Callable[[], AbstractContextManager[object]] = nullcontext  # of the forward pass
    clock: Clock = Clock(0)
    own: nn.Module | None = None  # the loss's module, see `Loss.init`
    ask: Ask = ask

    def terms(self, piece: Batch) -> Mapping[str, Tensor]:
        """The loss's terms on `piece`, to be called within `context`."""
        return self.ask(self.loss, Predict(self.model, self.own), piece, self.clock)

    def on(self, batch: Batch) -> "Problem":
        """The same question about another batch, in the fewest pieces no longer than these."""
        longest = max(1, self.batch.rows // self.micro_batches)
        whole = (n for n in range(1, batch.rows + 1) if batch.rows % n == 0)
        pieces = next(n for n in whole if batch.rows // n <= longest)
        return replace(self, batch=batch, micro_batches=pieces)


GradientRule = Callable[[Problem], Gradient]


@dataclass(frozen=True)
class View:
    """All that an effect may know beyond its signal. Validation data and losses are not in here.

    Examples:
        Noise that is the same whenever this step of this seed is made:

        >>> import torch
        >>> from audition import Clock, Controls, Streams, View
        >>> view = View(Clock(3), Controls(), {"w": torch.ones(2)}, Streams(42).child("mine"))
        >>> generator = view.streams.generator("noise", view.clock.step)
        >>> torch.randn(2, generator=generator).shape
        torch.Size([2])
    """

    clock: Clock
    controls: Controls
    params: Tensors  # live weights, to read and never write; in `on_updates`, those before it
    streams: Streams  # the effect's own

"""The input and the output of a gradient rule: a loss of a model on a batch, and gradients.

Shape suffixes: B rows of a batch, T tokens of a row, V outputs (vocabulary or classes).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import ClassVar

from torch import Tensor, nn

from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.signals import Readings, Tensors
from audition.recipe.terms import added_terms


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
    """What a gradient rule returns for a batch.

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
    curvature: Tensors = field(
        default_factory=dict
    )  # second derivatives, where a rule estimated them
    readings: Readings = field(default_factory=dict)  # what effects tell those after them

    def with_grads(self, grads: Tensors) -> "Gradient":
        return replace(self, grads=grads)

    def telling(self, **readings: Tensor) -> "Gradient":
        """This gradient with `readings` beside those that were told before."""
        return replace(self, readings={**self.readings, **readings})


@dataclass(frozen=True)
class Predict:
    """Applies a model to batches; nothing else does.

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

    def halves(self, batch: Batch) -> tuple[Tensor, nn.Linear] | None:
        """What the model's head reads, [B, T, C], and the head, a plain linear map.

        None for a model that does not say by `splits = True`, in the class of its `forward`, that
        it is `head(features(inputs))`, and where hooks would see that it was not called.
        """
        model = self.model
        owner = next(each for each in type(model).__mro__ if "forward" in vars(each))
        if not vars(owner).get("splits", False) or "forward" in vars(model) or _hooked(model):
            return None
        head, features = getattr(model, "head"), getattr(model, "features")  # noqa: B009 (untyped)
        if not isinstance(head, nn.Linear) or type(head).forward is not nn.Linear.forward:
            return None
        return None if _hooked(head) else (features(batch.inputs), head)


def _hooked(module: nn.Module) -> bool:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, kind) for kind in kinds)


class Loss:
    """What is trained on. A loss without parameters or state of its own needs `__call__` alone.

    One that cannot be asked for several runs at once says why in `unpacked`, as half a sentence.

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

    unpacked: ClassVar[str] = ""

    def beside(self, model: nn.Module) -> float:
        """Forward passes of other models that each forward pass of `model` needs, in passes of it."""
        return 0.0

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
    """The terms of `loss` on `batch`, and those that modules of the model add (`add_term`).

    Model and loss are in one function, so that they compile as one.
    """
    with added_terms() as added:
        terms = loss(predict, batch, clock)
    again = {name: terms[name] + value for name, value in added.items() if name in terms}
    return {**terms, **added, **again} if added else terms


Ask = Callable[[Loss, Predict, Batch, Clock], Mapping[str, Tensor]]
"""`ask`, or what torch compiled of it."""

Opens = Callable[[Mapping[str, Tensor]], bool]
"""Whether a step is made, told from the terms of its batch; asked between forward and backward."""


def always(terms: Mapping[str, Tensor]) -> bool:
    """Every step is made, and no term is looked at: the neutral `Opens`."""
    return True


@dataclass(frozen=True)
class Problem:
    """What a gradient rule gets: a model, a loss and a batch, to compute the gradient of.

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
    clock: Clock = Clock(0)  # noqa: RUF009 (frozen)
    own: nn.Module | None = None  # the loss's module, see `Loss.init`
    ask: Ask = ask
    opens: Opens = always  # where it says no, a rule runs no backward pass, and the step is closed

    @property
    def forward(self) -> Cost:
        """What a forward pass over the whole batch costs."""
        return Cost(forward=1.0 + self.loss.beside(self.model))

    @property
    def backward(self) -> Cost:
        """What a backward pass costs, with the forward passes that it repeats to save memory."""
        return Cost(forward=getattr(self.model, "recomputed", 0.0), backward=1.0)

    def terms(self, piece: Batch) -> Mapping[str, Tensor]:
        """The loss's terms on `piece`, to be called within `context`."""
        return self.ask(self.loss, Predict(self.model, self.own), piece, self.clock)

    def on(self, batch: Batch) -> "Problem":
        """The same question about another batch, in the fewest pieces no longer than these."""
        longest = max(1, self.batch.rows // self.micro_batches)
        whole = (n for n in range(1, batch.rows + 1) if batch.rows % n == 0)
        pieces = next(n for n in whole if batch.rows // n <= longest)
        return replace(self, batch=batch, micro_batches=pieces)

    def where(self, opens: Opens) -> "Problem":
        """The same question, to be answered where `opens` agrees too."""
        if self.opens is always:
            return replace(self, opens=opens)
        return replace(self, opens=lambda terms: self.opens(terms) and opens(terms))


GradientRule = Callable[[Problem], Gradient]

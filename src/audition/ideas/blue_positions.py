"""BLUE positions: a place in the window counts by how precise its gradient is, in training alone.

Places are taken for estimators of one gradient. The best linear unbiased estimate (BLUE) weighs
estimators by the inverse of their variances (Gauss & Markov; Aitken 1936). Shape suffixes: B rows,
T places, V answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Interval
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.initial import Constant, parameter
from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.effect import Effect, Meters
from audition.recipe.kill import KillTest
from audition.recipe.problem import Gradient, Loss, Predict
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams

WEIGHTS = "loss.weights"
"""The session's name of what `Weighted` weighs places by."""
FLOOR = 1e-6
"""Least variance of a place, as a share of the mean over places."""


@dataclass(frozen=True, kw_only=True)
class BluePositions:
    """Weights w_p ∝ V_p^-a of mean 1 on the gradients of places, V_p a running mean of variances.

    The variance of a place is that of its gradient by the logits, softmax - one-hot, over the rows
    of a pass. A step is weighed by what earlier steps measured. Losses that are logged and
    evaluated are not weighted.
    """

    a: Annotated[float, Interval(ge=-2, le=2)] = 0.5
    """Power of the precision: 0 is the exact identity, 1 is BLUE, below 0 favours the noisy."""
    spread: Literal["gradient", "norm"] = "gradient"
    """The total variance of the gradient, E|g - Eg|², or the variance of its length |g| alone."""
    decay: Annotated[float, Interval(ge=0, lt=1)] = 0.99
    """Share of the running mean that stays at every step."""
    control: Literal["none", "permuted"] = "none"
    """The same weights on shuffled places, in one order a run."""

    neutral: ClassVar[Mapping[str, object]] = {"a": 0}
    active: ClassVar[Mapping[str, object]] = {"a": 1}

    def __call__(self, recipe: Recipe) -> Recipe:
        return recipe if self.a == 0.0 else self.weighing(recipe)

    def kill(self) -> KillTest:
        """Where variances are alike, no weights of places can gain anything."""
        return KillTest(
            watch=replace(self, a=0.0).weighing,
            meter="blue_positions/efficiency",
            means="the arithmetic over the harmonic mean of the places' variances",
            below=1.02,
        )

    def weighing(self, recipe: Recipe) -> Recipe:
        """The recipe with variances measured and places weighed; where a is 0, by ones."""
        loss = Weighted(recipe.loss, self.spread)
        return replace(recipe, loss=loss).with_effect("blue_positions", Weighing(self))


class Weighing(Effect):
    """From the variances that arrive as the gradient of the weights, the weights of the next step."""

    def __init__(self, settings: BluePositions) -> None:
        self.settings = settings

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        places = len(params[WEIGHTS])
        order = torch.arange(places)
        if self.settings.control == "permuted":
            order = torch.randperm(places, generator=streams.generator("order"), device="cpu")
        order = order.to(params[WEIGHTS].device)
        return {"variance": torch.zeros_like(params[WEIGHTS]), "order": order, "steps": 0}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        seen, steps = gradient.grads[WEIGHTS], state["steps"] + 1
        fresh = (1.0 - self.settings.decay) / (1.0 - self.settings.decay**steps)
        variance = state["variance"].lerp(seen, fresh)
        rest = {**gradient.grads, WEIGHTS: torch.zeros_like(seen)}
        return gradient.with_grads(rest), {**state, "variance": variance, "steps": steps}

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if state["steps"] == 0:
            return params, state
        weights = weights_of(state["variance"], self.settings.a).gather(0, state["order"])
        return {**params, WEIGHTS: weights}, state

    def meters(self, state: Any) -> Meters:
        """`efficiency`: arithmetic over harmonic mean of the variances, the most that BLUE can gain.

        Not before the running mean has as many steps as it averages over: noise would look like gain.
        """
        early = state["steps"] * (1.0 - self.settings.decay) < 1.0
        return {} if early else {"efficiency": efficiency(state["variance"])}


class Weighted(Loss):
    """`inner` with the gradient of each place's logits multiplied by the place's weight.

    The terms' values are `inner`'s own. The variances of the pass arrive as the gradient of the
    weights, and so are averaged as gradients are: over pieces of a batch, and over processes.
    """

    def __init__(self, inner: Loss, spread: str) -> None:
        self.inner, self.spread = inner, spread

    def init(self, shape: Shape) -> nn.Module:
        if len(shape.inputs) != 1:
            raise AuditionError("blue_positions weighs places in a text, and these data are none")
        return Own(self.inner.init(shape), shape.inputs[0])

    def __call__(self, predict: Predict, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        own = predict.own
        assert isinstance(own, Own)
        if batch.rows < 2:
            raise AuditionError(
                "blue_positions needs two rows in a pass to see how they vary: choose a larger "
                "data.batch_size, or a smaller execution.accumulate"
            )
        logits = predict(batch)  # [B, T, V]
        gains = own.weights.detach()[: logits.shape[1], None] - 1.0
        # The value is that of the logits, exactly; their gradient comes back times the weight.
        weighted = logits + gains * (logits - logits.detach())
        terms = self.inner(Given(predict.model, own.inner, weighted), batch, clock)
        with torch.no_grad():
            variance = variances(residuals(logits, batch.targets), self.spread)
        zero = ((own.weights - own.weights.detach()) * variance).sum()
        first = next(iter(terms))
        return {**terms, first: terms[first] + zero}


class Own(nn.Module):
    """The weights of places [T], and what the loss inside keeps for itself."""

    def __init__(self, inner: nn.Module | None, places: int) -> None:
        super().__init__()
        self.inner = inner
        self.weights = parameter(places, init=Constant(1.0), role="vector")


@dataclass(frozen=True)
class Given(Predict):
    """Predictions that are known already."""

    logits: Tensor | None = None

    def __call__(self, batch: Batch) -> Tensor:
        assert self.logits is not None
        return self.logits

    def halves(self, batch: Batch) -> None:
        return None


def residuals(logits: Tensor, targets: Tensor) -> Tensor:
    """The gradient of each prediction's cross-entropy by its logits: softmax - one-hot, [B, T, V]."""
    return logits.softmax(-1).scatter_add(
        -1, targets[..., None], -logits.new_ones(()).expand(targets.shape)[..., None]
    )


def variances(gradients: Tensor, spread: str = "gradient") -> Tensor:
    """[T] variances over the rows of [B, T, V], unbiased: of the vectors, or of their lengths."""
    if spread == "norm":
        gradients = torch.linalg.vector_norm(gradients, dim=-1, keepdim=True)
    return gradients.var(0).sum(-1)


def weights_of(variance: Tensor, a: float) -> Tensor:
    """V^-a of [T] variances, divided by its mean, so that the sum is T."""
    share = variance / variance.mean().clamp(min=torch.finfo(variance.dtype).tiny)
    weights = share.clamp(min=FLOOR) ** -a
    return weights / weights.mean()


def efficiency(variance: Tensor) -> Tensor:
    """Arithmetic over harmonic mean of [T] variances; 1 where they are equal."""
    floor = torch.finfo(variance.dtype).tiny
    return variance.mean() * (1.0 / variance.clamp(min=floor)).mean()

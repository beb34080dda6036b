"""Role split: a tied embedding learns from two gradients, each with an optimizer's memory of its own.

A matrix that embeds tokens and scores them gets a gradient from both places. Adam adds the two and
keeps one mean square, which the head's gradient fills: the embedding's share of a step is small. Here
both places have a copy of the matrix, so that each gradient has its own moments, and after every
step the two copies become their weighted mean: W + share ΔW_in + (1 - share) ΔW_out.

Shape suffixes: V vocabulary, C channels, N predictions of a batch.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.initial import parameter
from audition.recipe.effect import Effect, Meters
from audition.recipe.kill import KillTest
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors, View

IN, OUT = "embedding.weight", "head.weight"


@dataclass(frozen=True, kw_only=True)
class RoleSplit:
    """The idea and its controls; `model.tied_head=false`, two free matrices, is another.

    The norm that clipping looks at counts the two gradients apart, without the part that they share.
    """

    share: Annotated[float, Interval(ge=0, le=1)] = 0.5
    """Weight of the step that the embedding's gradient asks for; the head's has the rest."""
    control: Literal["none", "scaled", "random"] = "none"
    """One memory for both gradients, the embedding's multiplied by `scale` (Lopardo et al. 2026); or
    two memories, between which each row of the summed gradient is split at random."""
    scale: Annotated[float, Ge(0)] = 1.0
    """Of control=scaled; 1 there is the exact identity."""

    neutral: ClassVar[Mapping[str, object]] = {"control": "scaled", "scale": 1.0}
    active: ClassVar[Mapping[str, object]] = {"share": 0.5}

    def __call__(self, recipe: Recipe) -> Recipe:
        """Models whose head is not tied to their embedding are refused as they are made."""
        if self.control == "scaled" and self.scale == 1.0:
            return recipe
        return recipe.with_change(two_copies).with_effect("role_split", Roles(self))

    def kill(self) -> KillTest:
        """Where both gradients are about as long, one mean square serves both."""
        return KillTest(
            watch=Lengths(),
            meter="ratio",
            means="the length of the head's gradient in that of the embedding's",
            below=2.0,
        )


def two_copies(model: nn.Module) -> None:
    """Give a tied head a copy of the embedding's matrix; AuditionError where none is tied."""
    head, embedding = (getattr(model, name, None) for name in ("head", "embedding"))
    if head is None or embedding is None or head.weight is not embedding.weight:
        raise AuditionError(
            "role_split splits the gradient of a head that is tied to the embedding: choose "
            "model.tied_head=true, or leave the idea out"
        )
    weight = embedding.weight
    head.weight = parameter(*weight.shape, init=SameAs(weight), role="embedding")


@dataclass(frozen=True)
class SameAs:
    """The first value of another parameter, which was drawn before."""

    source: nn.Parameter

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        return self.source.detach().clone()


class Roles(Effect):
    """Hands each copy its gradient, and makes them one matrix again after the step."""

    def __init__(self, settings: RoleSplit) -> None:
        self.settings = settings

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed or self.settings.control == "none":
            return gradient, state
        embedding, head = gradient.grads[IN], gradient.grads[OUT]
        if self.settings.control == "scaled":  # all in one copy, so that clipping sees their sum
            first = head + self.settings.scale * embedding
            second = torch.zeros_like(head)
        else:
            generator = view.streams.generator("rows", view.clock.step)
            share = torch.rand(len(head), 1, generator=generator).to(head.device)
            first = share * (embedding + head)
            second = (embedding + head) - first
        return gradient.with_grads({**gradient.grads, IN: first, OUT: second}), state

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        share = 1.0 if self.settings.control == "scaled" else self.settings.share
        one = torch.lerp(params[OUT], params[IN], share)
        return {**params, IN: one, OUT: one}, state


class Lengths(Effect):
    """Of a tied head: how much longer the head's gradient is than the embedding's."""

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        pieces: list[Tensor] = []

        def heard(problem: Problem) -> Gradient:
            with listening(problem.model, pieces):
                return rule(problem)

        return heard, {"pieces": pieces}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, None
        head = torch.stack(state["pieces"]).sum(0)  # [V, C]
        embedding = gradient.grads[IN] - head
        return gradient, {"ratio": head.norm() / embedding.norm()}

    def meters(self, state: Any) -> Meters:
        return {} if state is None else {"ratio": state["ratio"]}


@contextmanager
def listening(model: nn.Module, pieces: list[Tensor]) -> Iterator[None]:
    """Within it, each backward pass leaves the gradient of the head's matrix, [V, C], in `pieces`."""

    def hear(head: nn.Module, inputs: tuple[Tensor, ...], logits: Tensor) -> None:
        read = inputs[0].detach().flatten(0, -2).float()  # [N, C]

        def keep(arrived: Tensor) -> None:
            pieces.append(arrived.flatten(0, -2).float().mT @ read)

        logits.register_hook(keep)  # type: ignore[no-untyped-call]

    hook = model.get_submodule("head").register_forward_hook(hear)
    try:
        yield
    finally:
        hook.remove()

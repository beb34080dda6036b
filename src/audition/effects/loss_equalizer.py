"""Loss equalizer: updates of easy, medium and hard batches have a gain each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Interval
from torch import Tensor

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.surprise import loss_of, surprise


@dataclass(frozen=True, kw_only=True)
class LossEqualizer(Effect):
    """u ← easy, medium or hard times u, by whether the loss lies below, within or above `edge`.

    The loss of this step's batch is measured in standard deviations from its running mean, so that
    each band keeps its share of the steps while the loss falls; with fixed losses as edges all would
    be easy in the end. The gain is on the whole change of the weights, decay included, as on the
    rate: at 1e-3 an easy batch is trained on at 5e-4, a hard one at 1.5e-3. It weighs batches as
    selective backprop weighs examples (Jiang et al. 2019), and turns a curriculum round.

    Meters: `surprise`, the step's loss in standard deviations; `gain` of the step.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "norms"
    neutral: ClassVar[Mapping[str, object]] = {"easy": 1.0, "medium": 1.0, "hard": 1.0}

    easy: Annotated[float, Ge(0)] = 0.5
    """Gain where the loss is lower than usual."""
    medium: Annotated[float, Ge(0)] = 1.0
    """Gain where it is about as usual."""
    hard: Annotated[float, Ge(0)] = 1.5
    """Gain where it is higher than usual."""
    edge: Annotated[float, Ge(0)] = 0.5
    """Where easy and hard begin, in standard deviations from the mean."""
    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    """Share of the running mean and variance that stays at every step."""

    def moments(self) -> frozenset[str]:
        flat = self.easy == self.medium == self.hard == 1.0
        return frozenset() if flat else super().moments()

    def init(self, params: Tensors, streams: Any) -> dict[str, Any]:
        return {"seen": {}}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        z, seen = surprise(loss_of(gradient), state["seen"], self.memory)
        gain = gain_of(z, easy=self.easy, medium=self.medium, hard=self.hard, edge=self.edge)
        return gradient, {"seen": seen, "surprise": z, "gain": gain}

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        return tree.scale(updates, state["gain"]), state

    def meters(self, state: Any) -> Meters:
        return {name: state[name] for name in ("surprise", "gain") if name in state}


def gain_of(z: Tensor, *, easy: float, medium: float, hard: float, edge: float) -> Tensor:
    """The gain of a loss that lies z standard deviations up: easy below -edge, hard above edge.

    Examples:
        >>> import torch
        >>> gain_of(torch.tensor([-2.0, 0.0, 2.0]), easy=0.5, medium=1.0, hard=1.5, edge=1.0)
        tensor([0.5000, 1.0000, 1.5000])
    """
    inside = torch.full_like(z, medium)
    below = torch.where(z < -edge, torch.full_like(z, easy), inside)
    return torch.where(z > edge, torch.full_like(z, hard), below)

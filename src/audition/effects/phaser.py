"""Phaser: all-passes over time on every gradient, whose corner swings; mixed with the dry signal."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import pi, sin
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Gt, Interval

from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.line import allpass, followed, silent
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize

NUMBER = re.compile(r"(?:^|\.)(\d+)(?=\.)")
"""Of a layer, in a parameter's name."""


@dataclass(frozen=True, kw_only=True)
class Phaser(Effect):
    """(1 - share) g + share y, y the gradient after all-passes y_t = -a x_t + x_(t-1) + a y_(t-1).

    With a = coefficient + depth sin(2π t / period). A stage changes no frequency's length, only when
    it comes; mixed half and half with the gradient itself, the frequencies that the stages turn
    round are cancelled, and which they are swings with a. No such thing is known to us in the
    literature on training. A weight without a gradient counts as one of nought. A share of 0 is the
    exact identity.

    `form=layers` lets the rate of each layer swing instead: updates of layer l of L times 1 + share
    depth sin(2π (t / period + l / L)), so that their mean gain over the layers is 1 at every step. A
    layer's number is the first in a parameter's name; parameters without one swing with the layer that
    comes before them.

    Memory: a copy of the weights for each stage, in checkpoints too; none with `form=layers`.

    Meters: `coefficient`, a of the last step; with `form=layers` `gain`, of the first layer.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"share": 0.0}

    share: Annotated[float, Interval(ge=0, le=1)] = 0.5
    """Share of what the all-passes make of the gradient; what is left is the gradient."""
    stages: Annotated[int, Ge(1)] = 2
    """All-passes, one after the other."""
    coefficient: Annotated[float, Interval(gt=-1, lt=1)] = -0.3
    """Middle of a; |a| < 1 keeps its pole within the unit circle."""
    depth: Annotated[float, Interval(ge=0, lt=1)] = 0.3
    """How far a swings to either side."""
    period: Annotated[float, Gt(0)] = 100.0
    """Steps of one swing."""
    form: Literal["all_pass", "layers"] = "all_pass"
    """Whether gradients go through all-passes, or the layers' rates swing one after another."""

    def __post_init__(self) -> None:
        if abs(self.coefficient) + self.depth >= 1.0:
            raise AuditionError(
                f"coefficient={self.coefficient:g} with depth={self.depth:g} swings to poles outside "
                "the unit circle: |coefficient| + depth must be below 1"
            )

    def moments(self) -> frozenset[str]:
        if not self.share:
            return frozenset()
        return frozenset({"on_gradients" if self.form == "all_pass" else "on_updates"})

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        if self.form == "layers":
            return {"held": ()}
        return {"held": silent(params, self.stages), "coefficient": self.coefficient}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        a = self.coefficient + self.depth * sin(2.0 * pi * view.clock.step / self.period)
        grads, held = tree.filled(gradient.grads, state["held"][0]), []
        out = grads
        for one in state["held"]:
            out, kept = allpass(out, one, a)
            held.append(kept)
        out = tree.lerp(grads, out, self.share)
        after = gradient.with_grads(tree.picked(out, gradient.grads))
        return after, {"held": tuple(held), "coefficient": a}

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        turn, swing = view.clock.step / self.period, self.share * self.depth
        phases = phases_of(view.params)
        gains = [1.0 + swing * sin(2.0 * pi * (turn + phases[name])) for name in updates]
        state = {**state, "gain": 1.0 + swing * sin(2.0 * pi * turn)}
        return tree.scale(updates, torch.tensor(gains)), state

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        return {**state, "held": followed(state["held"], resize, params)}

    def meters(self, state: Any) -> Meters:
        return {name: state[name] for name in ("coefficient", "gain") if name in state}


def phases_of(names: Iterable[str]) -> dict[str, float]:
    """Parameter -> l / L, where its layer is in the model, for names in the model's order.

    Examples:
        >>> phases_of(["embedding.weight", "blocks.0.w", "blocks.1.w", "norm.weight"])
        {'embedding.weight': 0.0, 'blocks.0.w': 0.0, 'blocks.1.w': 0.5, 'norm.weight': 0.5}
    """
    layers, last = {}, 0
    for name in names:
        found = NUMBER.search(name)
        last = int(found[1]) if found else last
        layers[name] = last
    many = max(layers.values(), default=0) + 1
    return {name: layer / many for name, layer in layers.items()}

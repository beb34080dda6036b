"""Compressor: what is louder than a threshold is turned down, by a ratio, with attack and release."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, inf, log10
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Gt, Interval, Le
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.problem import Gradient
from audition.recipe.signals import COMPLEXITY, Controls, Tensors, View
from audition.recipe.surprise import loss_of, surprise

DEVIATION = 20.0 * log10(2.0)
"""Decibels of one standard deviation of surprise: a loss that far up counts as twice as loud."""


@dataclass(frozen=True, kw_only=True)
class Compressor(Effect):
    """One gain on all tensors: 10^((c + makeup) / 20), c following how far a level is too high [dB].

    A level x above the threshold T comes to T + (x - T) / ratio, along a parabola within knee / 2 of
    T; c goes to the difference with the time constants attack (downwards) and release (upwards), of
    which one step makes 63.2 % of the way: Giannoulis, Massberg & Reiss 2012, "Digital Dynamic Range
    Compressor Design", equations 4 and 16. The level is

    * `gradient`: 20 log10(‖g‖ / reference), the norm over all tensors as it arrives in the chain;
    * `surprise`: 6.02 dB for each standard deviation of the loss above its running mean;
    * `complexity`: 20 log10(d / reference), d the root mean square distance of the weights from the
      anchor that stands before it in the chain, as an anchor tells it.

    With a reference of 1.0, threshold 0, knee 0, attack 0, release 0 and an infinite ratio it clips
    the norm to 1. The gain is on `gradients`, which Adam all but cancels once it is steady, or on
    `updates`: the whole change of the weights, decay included, as a smaller rate would make it. The
    schedule's own rate is left alone. On the `rate` it multiplies the schedule's from the next step
    on, afresh each time, so that nothing compounds; the processor then waits for the last step, and
    runs with rates of their own cannot share a pack. On an `anchor` it acts the other way round, from
    the next step on: its strength is turned up by as many dB as the level is turned down. A ratio of
    1 without make-up is the exact identity.

    Meters: `level` and `reduction` (c) [dB], `gain` of the last step.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "norms"
    neutral: ClassVar[Mapping[str, object]] = {"ratio": 1.0, "makeup": 0.0}
    active: ClassVar[Mapping[str, object]] = {"threshold": -6.0, "attack": 0.0}

    threshold: float = 0.0
    """Level above which it turns down [dB]."""
    ratio: Annotated[float, Interval(ge=1, le=inf)] = 4.0
    """How many dB of level become one dB above the threshold; infinite: a ceiling."""
    knee: Annotated[float, Ge(0)] = 6.0
    """Width of the bend around the threshold [dB]; 0: a corner."""
    attack: Annotated[float, Ge(0)] = 2.0
    """Steps in which 63.2 % of a reduction comes; 0: at once."""
    release: Annotated[float, Ge(0)] = 20.0
    """Steps in which 63.2 % of a reduction goes; 0: at once."""
    makeup: float = 0.0
    """Gain on everything afterwards [dB]."""
    listens_to: Literal["gradient", "surprise", "complexity"] = "gradient"
    """What the level is measured of."""
    reference: Annotated[float, Gt(0), Le(inf)] | None = None
    """What counts as 0 dB of a norm or distance; null: the running geometric mean of the norms."""
    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.98
    """Share of the running means that stays at every step."""
    acts_on: Literal["gradients", "updates", "rate", "anchor"] = "gradients"
    """What the gain is on."""

    def __post_init__(self) -> None:
        if self.listens_to == "complexity" and self.reference is None:
            raise AuditionError(
                "listens_to=complexity needs a reference: the root mean square distance from the "
                "anchor that counts as 0 dB, for instance reference=0.01"
            )

    def moments(self) -> frozenset[str]:
        if self.ratio == 1.0 and self.makeup == 0.0:
            return frozenset()
        acts = {"updates": "on_updates", "rate": "before_batch", "anchor": "before_batch"}
        return frozenset({"on_gradients", acts.get(self.acts_on, "on_gradients")})

    def init(self, params: Tensors, streams: Any) -> dict[str, Any]:
        return {"seen": {}}

    def before_batch(self, controls: Controls, state: Any, view: View) -> tuple[Controls, Any]:
        if "reduction" not in state:
            return controls, state
        if self.acts_on == "rate":
            return replace(controls, lr=controls.lr * _number(state["gain"])), state
        up = torch.pow(10.0, (self.makeup - state["reduction"]) / 20.0)
        return replace(controls, anchor=controls.anchor * up), state

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        of_anchor = self.listens_to == "complexity" or self.acts_on == "anchor"
        if of_anchor and COMPLEXITY not in gradient.readings:
            raise AuditionError(
                "a compressor with listens_to=complexity or acts_on=anchor needs an anchor before it "
                "in the chain, and there is none: choose another, or a preset with an anchor"
            )
        level, seen = self._level(gradient, state["seen"])
        target = reduction(level, self.threshold, self.ratio, self.knee)
        last = state.get("reduction", torch.zeros_like(target))
        now = smoothed(target, last, self.attack, self.release)
        state = {"seen": seen, "level": level, "reduction": now, "gain": self._gain(now)}
        if self.acts_on != "gradients":
            return gradient, state
        return gradient.with_grads(tree.scale(gradient.grads, state["gain"])), state

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        return tree.scale(updates, state["gain"]), state

    def _gain(self, reduced: Tensor) -> Tensor:
        return torch.pow(10.0, (reduced + self.makeup) / 20.0)

    def _level(self, gradient: Gradient, seen: Any) -> tuple[Tensor, Any]:
        """The level [dB], without axes, and what has been seen with it."""
        if self.listens_to == "surprise":
            z, seen = surprise(loss_of(gradient), seen, self.memory)
            return DEVIATION * z, seen
        if self.listens_to == "complexity":
            loudness = decibels((2.0 * gradient.readings[COMPLEXITY]).sqrt())
        else:
            loudness = decibels(tree.norms(gradient.grads).norm())
        if self.reference is not None:
            return loudness - 20.0 * log10(self.reference), seen
        mean = seen.get("mean", loudness)
        return loudness - mean, {"mean": mean + (1.0 - self.memory) * (loudness - mean)}

    def meters(self, state: Any) -> Meters:
        return {name: state[name] for name in ("level", "reduction", "gain") if name in state}


def decibels(amplitude: Tensor) -> Tensor:
    """20 log10 of it, finite at nought."""
    return 20.0 * amplitude.clamp(min=torch.finfo(amplitude.dtype).tiny).log10()


def reduction(level: Tensor, threshold: float, ratio: float, knee: float) -> Tensor:
    """By how much a level [dB] is turned down at rest [dB, at most 0]; once differentiable if knee > 0.

    Examples:
        12 dB too much at 4:1 leaves 3 of them; at the threshold the knee has already begun:

        >>> import torch
        >>> reduction(torch.tensor([-20.0, 0.0, 12.0]), threshold=0.0, ratio=4.0, knee=6.0)
        tensor([-0.0000, -0.5625, -9.0000])
    """
    over, slope = level - threshold, 1.0 / ratio - 1.0
    straight = slope * over.clamp(min=0.0)
    if knee == 0.0:
        return straight
    bend = slope * (over + knee / 2.0).square() / (2.0 * knee)
    return torch.where(2.0 * over.abs() <= knee, bend, straight)


def smoothed(target: Tensor, last: Tensor, attack: float, release: float) -> Tensor:
    """One step from `last` towards `target`: by the attack where it is lower, else by the release."""
    kept = torch.where(target < last, _kept(attack), _kept(release))
    return target + kept * (last - target)


def _number(gain: Tensor) -> float:
    """A gain on the rate, which optimizers take as a number: a card is waited for."""
    return float(gain)


def _kept(steps: float) -> float:
    return exp(-1.0 / steps) if steps > 0.0 else 0.0

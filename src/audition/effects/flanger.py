"""Flanger: the learning rate swings, or a gradient is added whose age swings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, pi, sin
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.line import check_fits, followed, pushed
from audition.recipe.problem import Gradient
from audition.recipe.signals import Controls, Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Flanger(Effect):
    """`rate`: the rate times 1 + depth sin(2π t / period). `comb`: y_t = g_t + depth g_(t-d(t)).

    The first multiplies the schedule's rate of this step, and so has its mean over a period and
    never drifts: a cyclical rate (Smith 2017, "Cyclical Learning Rates for Training Neural
    Networks") on top of any schedule. The second is a flanger as audio has it: d(t) goes from 1 to
    `longest` steps and back within a period; where there is no gradient that old, y is g. A depth of
    0 is the exact identity.

    Memory: for `comb`, `longest` copies of the weights, in checkpoints too.

    Meters: `rate`, what the rate is multiplied by, or `delay`, d(t).
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"depth": 0.0}

    form: Literal["rate", "comb"] = "rate"
    """What swings."""
    depth: Annotated[float, Interval(ge=0, lt=1)] = 0.3
    """How far the rate swings, or how loud the earlier gradient is."""
    period: Annotated[float, Gt(0)] = 50.0
    """Steps of one swing."""
    longest: Annotated[int, Ge(1)] = 4
    """The comb's longest delay, in steps."""

    def moments(self) -> frozenset[str]:
        if not self.depth:
            return frozenset()
        return frozenset({"before_batch" if self.form == "rate" else "on_gradients"})

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        return {"given": ()}

    def rate_at(self, step: int) -> float:
        """What the rate of a step is multiplied by."""
        return 1.0 + self.depth * sin(2.0 * pi * step / self.period)

    def delay_at(self, step: int) -> int:
        """d(t), at a step."""
        return 1 + round((self.longest - 1) * (1.0 - cos(2.0 * pi * step / self.period)) / 2.0)

    def before_batch(self, controls: Controls, state: Any, view: View) -> tuple[Controls, Any]:
        rate = self.rate_at(view.clock.step)
        return replace(controls, lr=controls.lr * rate), {**state, "rate": rate}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        check_fits(self.longest, view.clock, "a comb")
        delay, given = self.delay_at(view.clock.step), state["given"]
        grads = tree.filled(gradient.grads, view.params)
        out = tree.add(grads, given[-delay], self.depth) if delay <= len(given) else grads
        after = gradient.with_grads(tree.picked(out, gradient.grads))
        given = pushed(given, tree.clone(grads), self.longest)
        return after, {"given": given, "delay": float(delay)}

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        return {**state, "given": followed(state["given"], resize, params)}

    def meters(self, state: Any) -> Meters:
        return {name: state[name] for name in ("rate", "delay") if name in state}

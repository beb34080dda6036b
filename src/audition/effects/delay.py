"""Delay: a share of every gradient is that of some steps ago."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Interval

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.line import check_fits, followed, pushed
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Delay(Effect):
    """y_t = (1 - share) g_t + share g_(t-d) + feedback y_(t-d), and y_t = g_t in the first d steps.

    A share of 1 is delayed gradient descent (Zinkevich et al. 2009, "Slow Learners are Fast"), which
    is stable for rates below 2 sin(π / (4 d + 2)) over the largest curvature. A weight without a
    gradient counts as one of nought. A delay of 0 steps is the exact identity.

    Memory: d copies of the weights, and d more with feedback; in checkpoints too.

    Meters: `echo`, the norm of the gradient that comes back next.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"steps": 0}
    active: ClassVar[Mapping[str, object]] = {"steps": 2, "feedback": 0.2}

    steps: Annotated[int, Ge(0)] = 4
    """d, how many steps ago."""
    share: Annotated[float, Interval(ge=0, le=1)] = 0.3
    """Share of the earlier gradient; what is left is this step's."""
    feedback: Annotated[float, Interval(gt=-1, lt=1)] = 0.0
    """Share of what came out then that is added once more."""

    def moments(self) -> frozenset[str]:
        acts = self.steps and (self.share or self.feedback)
        return super().moments() if acts else frozenset()

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        return {"given": (), "made": ()}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        check_fits(self.steps, view.clock, "a delay")
        given, made = state["given"], state["made"]
        grads: Tensors = tree.filled(gradient.grads, view.params)
        out = grads
        if len(given) == self.steps:
            out = tree.lerp(grads, given[0], self.share)
            if made:
                out = tree.add(out, made[0], self.feedback)
        given = pushed(given, tree.clone(grads), self.steps)
        if self.feedback:
            made = pushed(made, tree.clone(out), self.steps)
        after = gradient.with_grads(tree.picked(out, gradient.grads))
        return after, {"given": given, "made": made}

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        return {place: followed(line, resize, params) for place, line in state.items()}

    def meters(self, state: Any) -> Meters:
        full = len(state["given"]) == self.steps > 0
        return {"echo": tree.norms(state["given"][0]).norm()} if full else {}

"""Lookahead: slow weights follow the optimizer's, which begin again from them every few steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Interval

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Lookahead(Effect):
    """Every `every` updates s ← s + alpha (w - s), w ← s; evaluators see s, over any optimizer.

    Zhang et al. 2019, "Lookahead Optimizer: k steps forward, 1 step back", algorithm 1, which returns
    s. The optimizer keeps its moments, as in the paper's main runs. Where units die and are replaced
    (apoptosis), s keeps a share 1 - alpha of a dead unit's weights. An alpha of 1 is the exact
    identity.

    Memory: s, as large as the weights, in checkpoints too; a copy of the weights in an evaluation.

    Meters: `updates`, the number of updates since the start.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"alpha": 1.0}
    active: ClassVar[Mapping[str, object]] = {"every": 2}

    every: Annotated[int, Ge(1)] = 5
    """Updates between two meetings of slow and trained weights."""
    alpha: Annotated[float, Interval(gt=0, le=1)] = 0.5
    """How far the slow weights go towards the trained ones."""

    def moments(self) -> frozenset[str]:
        return super().moments() if self.alpha < 1.0 else frozenset()

    def init(self, params: Tensors, streams: Streams) -> Any:
        return {"slow": tree.clone(params) if self.alpha < 1.0 else {}, "updates": 0}

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        updates = state["updates"] + 1
        if updates % self.every:
            return params, {**state, "updates": updates}
        slow = tree.lerp(state["slow"], params, self.alpha)
        return slow, {"slow": slow, "updates": updates}

    def on_evaluation(self, params: Tensors, state: Any, view: View) -> Tensors:
        return {name: state["slow"].get(name, p) for name, p in params.items()}

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        return {**state, "slow": resize.follow(state["slow"], params)}

    def meters(self, state: Any) -> Meters:
        return {"updates": float(state["updates"])}

"""What effects share that let evaluators see a mean of the weights."""

from typing import Any

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


class Average(Effect):
    """Evaluators see `mean`, and the live weights before it begins; training sees nothing of it.

    A subclass says in `on_weights` when, and with what share, the mean takes the weights in.
    """

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        return {"mean": {}, "updates": 0}

    def on_evaluation(self, params: Tensors, state: Any, view: View) -> Tensors:
        return {name: state["mean"].get(name, p) for name, p in params.items()}

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        return {**state, "mean": resize.follow(state["mean"], params)}

    def meters(self, state: Any) -> Meters:
        return {"updates": float(state["updates"])}


def taken_in(state: Any, params: Tensors, fresh: float) -> Any:
    """The state once `params` are in the mean with the share `fresh`, 1 for the first of them.

    The mean is never the live weights themselves, which are edited in place.
    """
    mean = tree.lerp(state["mean"], params, fresh) if fresh < 1.0 else tree.clone(params)
    return {"mean": mean, "updates": state["updates"] + 1}

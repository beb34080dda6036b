"""Reverb: gradients of earlier steps ring on, through Schroeder's combs and an all-pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Interval

from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.line import allpass, check_fits, followed, pushed, silent
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Reverb(Effect):
    """The mean of the combs y_t = g_t + f y_(t-D), and an all-pass v_t = -a y_t + y_(t-D) + a v_(t-D).

    Schroeder 1962, "Natural sounding artificial reverberation": each comb repeats a gradient every D
    steps, f times as loud each time, and the all-pass spreads the repeats. The mean of the combs,
    where Schroeder has their sum, leaves a single gradient as long as it was. One comb of delay 1
    without the all-pass is the momentum f of SGD (heavy ball, Polyak 1964); slower and faster ones
    together are the two averages of AdEMAMix (Pagliardini et al. 2024) at delay 1. A weight without
    a gradient counts as one of nought. Feedbacks of 0 with no all-pass are the exact identity.

    Memory: as many copies of the weights as the delays add up to, in checkpoints too.

    Meters: `tail`, the norm of what the combs will add to the next gradient.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "entries"
    neutral: ClassVar[Mapping[str, object]] = {"feedbacks": [0.0, 0.0]}
    active: ClassVar[Mapping[str, object]] = {"delays": [1, 2], "feedbacks": [0.4, 0.4]}

    delays: tuple[Annotated[int, Ge(1)], ...] = (1, 3)
    """Steps from one repeat of each comb to the next."""
    feedbacks: tuple[Annotated[float, Interval(ge=0, lt=1)], ...] = (0.5, 0.3)
    """How loud a repeat is beside the one before, comb by comb; their sum is below 1."""
    diffusion: Annotated[float, Interval(gt=-1, lt=1)] = 0.0
    """The coefficient a of the all-pass; 0: there is none."""
    spread: Annotated[int, Ge(1)] = 2
    """The delay of the all-pass."""

    def __post_init__(self) -> None:
        if len(self.delays) != len(self.feedbacks) or not self.delays:
            raise AuditionError(
                f"delays={list(self.delays)} and feedbacks={list(self.feedbacks)} are not of one "
                "number of combs: give one of each for every comb"
            )
        if sum(self.feedbacks) >= 1.0:
            raise AuditionError(
                f"feedbacks={list(self.feedbacks)} add up to {sum(self.feedbacks):g}, and a tail "
                "would not die away: choose a sum below 1"
            )

    def moments(self) -> frozenset[str]:
        return super().moments() if any(self.feedbacks) or self.diffusion else frozenset()

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        spread = silent(params, self.spread) if self.diffusion else ()
        return {"combs": tuple(silent(params, d) for d in self.delays), "spread": spread}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        check_fits(max(self.delays), view.clock, "a comb")
        grads = tree.filled(gradient.grads, state["combs"][0][0])
        both = zip(state["combs"], self.feedbacks, strict=True)
        rung = [tree.add(grads, line[0], feedback) for line, feedback in both]
        share = 1.0 / len(rung)
        out: Tensors = tree.scale(rung[0], share)
        for one in rung[1:]:
            tree.add_(out, one, share)
        combs = (pushed(*each) for each in zip(state["combs"], rung, self.delays, strict=True))
        spread = state["spread"]
        if spread:
            out, held = allpass(out, spread[0], self.diffusion)
            spread = pushed(spread, held, len(spread))
        after = gradient.with_grads(tree.picked(out, gradient.grads))
        return after, {"combs": tuple(combs), "spread": spread}

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        combs = tuple(followed(line, resize, params) for line in state["combs"])
        return {"combs": combs, "spread": followed(state["spread"], resize, params)}

    def meters(self, state: Any) -> Meters:
        if not state["combs"]:
            return {}
        lines = zip(state["combs"], self.feedbacks, strict=True)
        tails = [tree.scale(line[0], f / len(self.delays)) for line, f in lines]
        return {"tail": tree.norms(reduce(tree.add, tails)).norm()}

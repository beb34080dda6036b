"""Limiter: no update may be longer than a share of the weight it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.line import check_fits, followed, pushed
from audition.recipe.signals import Tensors, View
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Limiter(Effect):
    """Scales an update down to ceiling x max(|weight|, floor), tensor by tensor.

    Works on updates, since Adam would cancel a gain on gradients. The rule is that of adaptive
    gradient clipping (Brock et al. 2021), per tensor. An infinite ceiling is the exact identity.

    With a look-ahead of L, the update of L steps ago is made, scaled by the least of its own gain and
    of those that came after it: a peak is met by a gain that has been down for L steps, as in a limiter
    for sound. The first L steps then change nothing, and the last L updates are never made.

    Memory: L copies of the weights, in checkpoints too.

    Meters: `limited`, the share of tensors whose update was longer; `gain`, the mean over tensors of
    what their update was multiplied by (1: none was limited).
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "norms"
    neutral: ClassVar[Mapping[str, object]] = {"ceiling": inf, "lookahead": 0}

    ceiling: Annotated[float, Gt(0), Le(inf)] = 0.01
    """Longest update, as a share of the weight's norm."""
    floor: Annotated[float, Ge(0)] = 1e-3
    """Norm below which a weight counts as this long, so that zero weights can move."""

    lookahead: Annotated[int, Ge(0)] = 0
    """L, steps by which updates come later than the gains that they call for."""

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if self.ceiling == inf and not self.lookahead:
            return updates, state
        weights = tree.norms({name: view.params[name] for name in updates})  # [K]
        allowed = self.ceiling * weights.clamp(min=self.floor)
        norms = tree.norms(updates)
        if not self.lookahead:
            gains = gains_of(allowed, norms)
            return tree.scale(updates, gains), {"gains": gains}
        check_fits(self.lookahead, view.clock, "a look-ahead")
        before: dict[str, Any] = state or {"line": (), "lengths": ()}
        line, lengths = before["line"], before["lengths"]
        lengths = pushed(lengths, norms, self.lookahead + 1)
        gains = torch.stack([gains_of(allowed, each) for each in lengths]).amin(0)
        full = len(line) == self.lookahead
        out = tree.scale(line[0], gains) if full else tree.zeros(updates)
        line = pushed(line, tree.clone(updates), self.lookahead)
        return out, {"gains": gains, "line": line, "lengths": lengths}

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        if state is None or not self.lookahead:
            return state
        return {**state, "line": followed(state["line"], resize, params)}

    def meters(self, state: Any) -> Meters:
        if state is None:
            return {}
        gains = state["gains"]  # [K] of the last step
        return {"limited": (gains < 1.0).float().mean(), "gain": gains.mean()}


def gains_of(allowed: Tensor, norms: Tensor) -> Tensor:
    """[K] what brings norms [K] down to what is allowed [K]: at most 1."""
    return (allowed / norms.clamp(min=1e-30)).clamp(max=1.0)

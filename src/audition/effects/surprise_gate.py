"""Surprise gate: a step is made, or made at full length, where its loss stands out of recent ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from statistics import NormalDist
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Gt, Interval, Le
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.effect import Effect, Meters, Replays
from audition.recipe.gradient import sum_of
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.surprise import loss_of, surprise

NORMAL = NormalDist()
FLAT = 1e-6
"""A loss this near to the running mean, as a share of it, has not moved and says nothing."""


@dataclass(frozen=True, kw_only=True)
class SurpriseGate(Effect):
    """Makes a step where its surprise s exceeds τ, or, soft, scales each step by σ((s - τ) / softness).

    s is how far the loss ℓ of this step's batch lies above the recent ones, in standard deviations:

    * `rule=quantile`: s = Φ⁻¹((c + ½) / (n + 1)), c of the last n losses at most ℓ, τ = Φ⁻¹(quantile).
      Of losses in exchangeable order a share 1 - k / (n + 1) opens, k = quantile (n + 1) rounded,
      whatever their distribution.
    * `rule=z`: s = (ℓ - μ) / √v, the running mean and variance of `recipe.surprise`; τ = threshold. Of
      normal losses a share P(T > τ √memory) opens, T Student's with (1 + memory) / (1 - memory) degrees
      of freedom, and not 1 - Φ(τ).
    * `rule=chance`: s = Φ⁻¹(u), u uniform from the effect's own stream, τ = Φ⁻¹(quantile). The control:
      as many steps, whatever the loss.

    All losses count, those of closed steps too, and one that equals the recent ones opens: so a gate
    that is closed for long sees losses of the same weights, and opens as often as it was set. While
    the loss falls quickly it opens less often: a short `window` follows. (The gates that go by an
    absolute loss, or by the losses of the steps they made, stop training for good.)

    Closed, a hard gate runs no backward pass and leaves weights, moments and decay alone; one forward
    pass is counted. With `execution.accumulate` above 1, and for a rule that passes the batch in
    halves, an open step costs one more forward pass. The processor waits for the loss in each step.
    What asks for gradients twice (`sam`) stands before it in a chain. A soft gate makes every step,
    moments see every gradient, and nothing waits. A quantile of 0, or a threshold of minus infinity,
    is the exact identity. Selective backpropagation (Jiang et al. 2019) chooses rows of a batch so.

    Meters: `open`, the share of steps after the warm-up that were made, or the mean of what they were
    scaled by; `updates`, how many that is, the warm-up included; `surprise`, s of the last step.
    """

    sharded: ClassVar[bool] = True
    replays: ClassVar[Replays] = "norms"
    neutral: ClassVar[Mapping[str, object]] = {"quantile": 0.0, "threshold": -inf}
    active: ClassVar[Mapping[str, object]] = {"quantile": 0.5, "warmup": 1}

    rule: Literal["quantile", "z", "chance"] = "quantile"
    """What a loss is compared with: the last ones, their mean and spread, or nothing."""
    quantile: Annotated[float, Interval(ge=0, lt=1)] = 0.5
    """Share of recent losses that a loss must exceed; one minus it is how often the gate opens."""
    threshold: Annotated[float, Ge(-inf), Le(inf)] = -0.5
    """Of `rule=z`: standard deviations above the mean that a loss must exceed."""
    mode: Literal["hard", "soft"] = "hard"
    """Whether a step is made or left out, or every step is made and scaled."""
    softness: Annotated[float, Gt(0)] = 0.5
    """Of a soft gate: standard deviations over which it opens."""
    window: Annotated[int, Ge(1)] = 19
    """Of `rule=quantile`: how many losses are recent."""
    memory: Annotated[float, Interval(gt=0, lt=1)] = 0.95
    """Of `rule=z`: share of mean and variance that stays at every step."""
    warmup: Annotated[int, Ge(0)] = 100
    """First steps, all of which are made."""

    def __post_init__(self) -> None:
        if self.rule == "quantile" and self.quantile * (self.window + 1) >= self.window + 0.5:
            least = int(0.5 / (1.0 - self.quantile)) + 1
            raise AuditionError(
                f"quantile={self.quantile} of window={self.window} losses is above all of them, so "
                f"that no step would be made: choose a window of {least} or more"
            )

    @property
    def level(self) -> float:
        """τ: the surprise above which a step is made."""
        if self.rule == "z":
            return self.threshold
        return NORMAL.inv_cdf(self.quantile) if self.quantile else -inf

    def moments(self) -> frozenset[str]:
        if self.level == -inf:
            return frozenset()
        return super().moments() - {"on_updates" if self.mode == "hard" else "wrap_gradient"}

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        return {"steps": 0, "recent": {}}

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        if state["steps"] < self.warmup:
            return rule, state

        def gated(problem: Problem) -> Gradient:
            return rule(problem.where(lambda terms: self._opens(terms, state, view)))

        return gated, state

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        s, gain, recent = self._judged(loss_of(gradient), state["recent"], view)
        warm = state["steps"] < self.warmup
        return gradient, {
            "steps": state["steps"] + 1,
            "recent": recent,
            "surprise": s,
            "updates": state.get("updates", 0.0) + (torch.ones_like(gain) if warm else gain),
            "gain": None if warm else gain,
        }

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if state["gain"] is None:
            return updates, state
        return tree.scale(updates, state["gain"]), state

    def meters(self, state: Any) -> Meters:
        if "surprise" not in state:
            return {}
        updates, asked = state["updates"], state["steps"] - self.warmup
        share = {"open": (updates - self.warmup) / asked} if asked > 0 else {}
        return {**share, "updates": updates, "surprise": state["surprise"]}

    def _opens(self, terms: Mapping[str, Tensor], state: Any, view: View) -> bool:
        if self.rule == "chance":
            return drawn(view) > self.level
        return bool(self._judged(sum_of(terms.values()), state["recent"], view)[1] > 0.0)

    def _judged(
        self, loss: Tensor, recent: Any, view: View
    ) -> tuple[Tensor, Tensor, dict[str, Any]]:
        """The surprise of `loss`, the gain on its step, and what the next loss is compared with."""
        if self.rule == "chance":
            s = torch.full_like(loss, drawn(view))
            return s, self._gain(s), {}
        if self.rule == "quantile":
            before = recent.get("losses", loss[None][:0])
            s = rank_surprise(loss, before)
            return s, self._gain(s), {"losses": torch.cat([before, loss[None]])[-self.window :]}
        s, after = surprise(loss, recent, self.memory)
        mean = recent.get("mean", loss)
        still = (loss - mean).abs() <= FLAT * mean.abs()
        return s, self._gain(torch.where(still, inf, s)), after

    def _gain(self, s: Tensor) -> Tensor:
        if self.mode == "hard":
            return (s > self.level).to(s.dtype)
        return torch.sigmoid((s - self.level) / self.softness)


def rank_surprise(loss: Tensor, before: Tensor) -> Tensor:
    """The normal score of the rank of `loss` [] among itself and `before` [n]; ties count as below."""
    below = (before <= loss).sum()
    score: Tensor = torch.special.ndtri((below + 0.5) / (len(before) + 1))
    return score.to(loss.dtype)


def drawn(view: View) -> float:
    """A standard normal number of this step, by the inverse of its distribution function."""
    uniform = (view.streams.number("open", view.clock.step) + 0.5) / 2.0**63
    return NORMAL.inv_cdf(min(uniform, 1.0 - 2.0**-53))

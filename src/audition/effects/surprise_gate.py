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
from audition.recipe.effect import Effect, Meters
from audition.recipe.gradient import sum_of
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams

NORMAL = NormalDist()
FLAT = 1e-6
"""A spread of the losses below this share of their mean is rounding: such losses say nothing."""


@dataclass(frozen=True, kw_only=True)
class SurpriseGate(Effect):
    """Makes a step where its surprise s exceeds τ, or, soft, scales each step by σ((s - τ) / softness).

    s is how far the loss ℓ of this step's batch lies above the recent ones, in standard deviations:

    * `rule=quantile`: s = Φ⁻¹((c + ½) / (n + 1)), c of the last n losses at most ℓ, τ = Φ⁻¹(quantile).
      Of losses in exchangeable order a share 1 - k / (n + 1) opens, k = quantile (n + 1) rounded,
      whatever their distribution.
    * `rule=z`: s = d / √v, d = ℓ - μ, then μ ← μ + (1 - memory) d, v ← memory (v + (1 - memory) d²);
      τ = threshold. Of normal losses a share P(T > τ √memory) opens, T Student's with
      (1 + memory) / (1 - memory) degrees of freedom.
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

    Tells `surprise` to the effects after it.

    Meters: `open`, the share of steps after the warm-up that were made, or the mean of what they were
    scaled by; `updates`, how many that is, the warm-up included; `surprise`, s of the last step.
    """

    sharded: ClassVar[bool] = True
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
        return {"steps": 0}

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        if state["steps"] < self.warmup:
            return rule, state

        def gated(problem: Problem) -> Gradient:
            return rule(problem.where(lambda terms: self._opens(terms, state, view)))

        return gated, state

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        loss = sum_of(gradient.terms.values())
        surprise = self._surprise(loss, state, view)
        warm = state["steps"] < self.warmup
        gain = torch.ones_like(surprise) if warm else self._gain(surprise)
        after = {
            **self._recent(loss, state),
            "steps": state["steps"] + 1,
            "updates": state.get("updates", 0.0) + gain,
            "surprise": surprise,
            "gain": None if warm else gain,
        }
        return gradient.telling(surprise=surprise), after

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if state["gain"] is None:
            return updates, state
        return tree.scale(updates, state["gain"].expand(len(updates))), state

    def meters(self, state: Any) -> Meters:
        if "surprise" not in state:
            return {}
        updates, asked = state["updates"], state["steps"] - self.warmup
        share = {"open": (updates - self.warmup) / asked} if asked > 0 else {}
        return {**share, "updates": updates, "surprise": state["surprise"]}

    def _opens(self, terms: Mapping[str, Tensor], state: Any, view: View) -> bool:
        if self.rule == "chance":
            return drawn(view) > self.level
        return bool(self._surprise(sum_of(terms.values()), state, view) > self.level)

    def _gain(self, surprise: Tensor) -> Tensor:
        if self.mode == "hard":
            return (surprise > self.level).to(surprise.dtype)
        return torch.sigmoid((surprise - self.level) / self.softness)

    def _surprise(self, loss: Tensor, state: Any, view: View) -> Tensor:
        if self.rule == "chance":
            return torch.full_like(loss, drawn(view))
        if self.rule == "quantile":
            return rank_surprise(loss, state.get("losses", loss[None][:0]))
        return z_surprise(loss, state.get("mean", loss), state.get("variance", 0.0 * loss))

    def _recent(self, loss: Tensor, state: Any) -> dict[str, Tensor]:
        """What the next surprise is measured against."""
        if self.rule == "quantile":
            before = state.get("losses", loss[None][:0])
            return {"losses": torch.cat([before, loss[None]])[-self.window :]}
        if self.rule == "z":
            mean, variance = state.get("mean", loss), state.get("variance", 0.0 * loss)
            apart = loss - mean
            fresh = 1.0 - self.memory
            return {
                "mean": mean + fresh * apart,
                "variance": self.memory * (variance + fresh * apart.square()),
            }
        return {}


def rank_surprise(loss: Tensor, before: Tensor) -> Tensor:
    """The normal score of the rank of `loss` [] among itself and `before` [n]; ties count as below."""
    below = (before <= loss).sum()
    score: Tensor = torch.special.ndtri((below + 0.5) / (len(before) + 1))
    return score.to(loss.dtype)


def z_surprise(loss: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """`loss` [] in standard deviations above `mean` []; infinite where there is no spread."""
    spread = variance.sqrt()
    return torch.where(spread > FLAT * mean.abs(), (loss - mean) / spread, inf)


def drawn(view: View) -> float:
    """A standard normal number of this step, by the inverse of its distribution function."""
    uniform = (view.streams.number("open", view.clock.step) + 0.5) / 2.0**63
    return NORMAL.inv_cdf(min(uniform, 1.0 - 2.0**-53))

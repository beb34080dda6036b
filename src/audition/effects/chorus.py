"""Chorus: the gradient is the mean of several, each at weights that are moved a little at random."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.effect import Effect, Meters
from audition.recipe.gradient import moved
from audition.recipe.line import followed, silent
from audition.recipe.noise import normal
from audition.recipe.problem import Gradient, GradientRule, Problem, always
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Chorus(Effect):
    """1/N Σ_n ∇L(w + ε_n) on this step's batch, ε_n ~ N(0, (jitter x rms(w))²), tensor by tensor.

    It descends the loss smoothed by that noise: Duchi, Bartlett & Wainwright 2012, "Randomized
    Smoothing for Stochastic Optimization". Every voice is a forward and a backward pass, counted as
    such, and draws dropout masks of its own; the weights come back to the bit. The loss that is
    reported is the voices' mean. One voice without jitter is the exact identity.

    `form=averages` makes no pass more: its voices are running means of the gradient itself, m_n ← β_n
    m_n + (1 - β_n) g, each over the share 1 - β_n^t that it has seen, and their mean takes g's place. A
    gradient that stays is then what it was. A weight without a gradient counts as one of nought.

    Memory: a copy of the weights and of the gradients within a step; with `form=averages` a copy of
    the weights for each β, in checkpoints too.

    Meters: `agreement`, ‖mean of the gradients‖² over the mean of their ‖·‖²: 1 where all voices have
    one gradient, 1 / N where they have nothing in common.
    """

    neutral: ClassVar[Mapping[str, object]] = {"voices": 1, "jitter": 0.0}

    voices: Annotated[int, Ge(1)] = 2
    """N, how many gradients."""
    jitter: Annotated[float, Ge(0)] = 0.01
    """Deviation of a weight's move, as a share of its tensor's root mean square."""
    form: Literal["passes", "averages"] = "passes"
    """Whether a voice is a pass at moved weights, or a running mean of the gradients."""
    betas: tuple[Annotated[float, Interval(ge=0, lt=1)], ...] = (0.85, 0.9, 0.95)
    """Of `form=averages`: share of each running mean that stays at every step."""

    def __post_init__(self) -> None:
        if not self.betas:
            raise AuditionError("betas=[] leaves no voice: give at least one, as betas=[0.9]")

    def moments(self) -> frozenset[str]:
        if self.form == "averages":
            return frozenset({"on_gradients"} if any(self.betas) else ())
        acts = self.voices > 1 or self.jitter
        return frozenset({"wrap_gradient", "on_gradients"} if acts else ())

    def init(self, params: Tensors, streams: Streams) -> Any:
        if self.form == "passes":
            return None
        return {"means": silent(params, len(self.betas)), "steps": 0}

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        told: list[Tensor] = []

        def together(problem: Problem) -> Gradient:
            total, squares = None, []
            for voice in range(self.voices):
                with moved(problem.params, self._moves(problem.params, view, voice)):
                    heard = rule(problem)
                if heard.closed:
                    return heard
                squares.append(tree.norms(heard.grads).square().sum())
                total = heard if total is None else _sum(total, heard)
                problem = replace(problem, opens=always)  # a gate has said yes to the first
            assert total is not None
            mean = _scaled(total, 1.0 / self.voices)
            told[:] = [tree.norms(mean.grads).square().sum() * self.voices / sum(squares)]
            return mean

        return together, {"told": told}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if self.form == "averages":
            return self._averaged(gradient, state)
        return gradient, {"agreement": state["told"][0]} if state["told"] else None

    def _averaged(self, gradient: Gradient, state: Any) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        steps, grads = state["steps"] + 1, tree.filled(gradient.grads, state["means"][0])
        voices, means, squares = tree.zeros(grads), [], []
        for beta, mean in zip(self.betas, state["means"], strict=True):
            # At a beta of 0 that would be the gradient itself, which is clipped in place.
            means.append(tree.add_(tree.scale(mean, beta), grads, 1.0 - beta))
            seen = 1.0 - beta**steps
            tree.add_(voices, means[-1], 1.0 / (len(self.betas) * seen))
            squares.append((tree.norms(means[-1]).norm() / seen).square())
        agreement = tree.norms(voices).square().sum() * len(means) / torch.stack(squares).sum()
        after = gradient.with_grads(tree.picked(voices, gradient.grads))
        return after, {"means": tuple(means), "steps": steps, "agreement": agreement}

    def on_resize(self, resize: Resize, params: Tensors, state: Any) -> Any:
        if self.form == "passes":
            return state
        return {**state, "means": followed(state["means"], resize, params)}

    def meters(self, state: Any) -> Meters:
        return {"agreement": state["agreement"]} if state and "agreement" in state else {}

    def _moves(self, params: Tensors, view: View, voice: int) -> Tensors:
        if not self.jitter:
            return {}
        still = {name: p.detach() for name, p in params.items()}
        noise = normal(still, view.streams, "jitter", view.clock.step, voice)
        return tree.scale_(noise, self.jitter * tree.root_mean_squares(still))


def _sum(first: Gradient, second: Gradient) -> Gradient:
    halves = zip(first.halves, second.halves, strict=True)
    return replace(
        first,
        grads=tree.add(first.grads, second.grads),
        terms={name: term + second.terms[name] for name, term in first.terms.items()},
        cost=first.cost + second.cost,
        halves=tuple(tree.add(one, other) for one, other in halves),
        curvature=tree.add(first.curvature, second.curvature),
    )


def _scaled(gradient: Gradient, share: float) -> Gradient:
    """Its cost is left as it is."""
    if share == 1.0:
        return gradient
    return replace(
        gradient,
        grads=tree.scale(gradient.grads, share),
        terms={name: term * share for name, term in gradient.terms.items()},
        halves=tuple(tree.scale(half, share) for half in gradient.halves),
        curvature=tree.scale(gradient.curvature, share),
    )

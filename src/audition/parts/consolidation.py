"""A quadratic pull towards the weights with which earlier phases of a stream ended."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audition.data.phases import Phases, phases_of
from audition.recipe import tree
from audition.recipe.batches import Batches, Clock
from audition.recipe.effect import Effect, Meters
from audition.recipe.problem import Cost, Gradient, GradientRule, Predict, Problem
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams


@dataclass(frozen=True)
class Consolidation(Effect):
    """g ← g + λ (P ∘ w - s), where each phase that ended at w* added F to P and F ∘ w* to s.

    Args:
        idea: whose effect it is, for what is told to its user.
        data: opens the batches of the run, once more, to look back at the last phase.
        strength: λ.
        rows: of the last phase, by which F is measured, see `fisher`; 0: F = 1, of the last phase
            alone.
    """

    idea: str
    data: Callable[[Streams], Batches]
    strength: float
    rows: int = 0

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        phases_of(self._opened(streams.seed), self.idea)
        return {"precision": {}, "target": {}, "pull": 0.0}

    def moments(self) -> frozenset[str]:
        unneeded = set() if self.rows else {"wrap_gradient"}
        return super().moments() - unneeded

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        phases = self._opened(view.streams.seed)
        if not begins(phases, view.clock):
            return rule, state
        generator = view.streams.generator("labels", view.clock.step)

        def measured(problem: Problem) -> Gradient:
            found, cost = fisher(problem, phases, self.rows, generator)
            gradient = rule(problem)
            return replace(gradient, curvature=found, cost=gradient.cost + cost)

        return measured, state

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if begins(self._opened(view.streams.seed), view.clock):
            if self.rows:
                new, gradient = dict(gradient.curvature), replace(gradient, curvature={})
            else:
                new = {name: torch.ones_like(w) for name, w in view.params.items()}
            goal = {name: new[name] * view.params[name] for name in new}
            both: tuple[Tensors, Tensors] = new, goal
            if state["precision"] and self.rows:
                both = tree.add(state["precision"], new), tree.add(state["target"], goal)
            state = {**state, "precision": both[0], "target": both[1]}
        if gradient.closed or not state["precision"]:
            return gradient, state
        precision, target = state["precision"], state["target"]
        pull = {
            name: self.strength * (precision[name] * view.params[name] - target[name])
            for name in gradient.grads.keys() & precision.keys()
        }
        added = {name: g + pull[name] if name in pull else g for name, g in gradient.grads.items()}
        return gradient.with_grads(added), {**state, "pull": tree.norms(pull).norm()}

    def meters(self, state: Any) -> Meters:
        """`pull`: the length of what was added to the gradient."""
        return {"pull": state["pull"]}

    def _opened(self, seed: int) -> Phases:
        return open_phases(self.data, self.idea, seed)


@lru_cache(maxsize=2)
def open_phases(data: Callable[[Streams], Batches], idea: str, seed: int) -> Phases:
    with torch.device("cpu"):  # a model may ask, which is constructed on the meta device at first
        return phases_of(data(Streams(seed)), idea)


def begins(phases: Phases, clock: Clock) -> bool:
    """Whether the step at `clock` is the first of a phase other than the first."""
    return clock.step > 0 and phases.phase(clock) != phases.phase(before(clock, 1))


def before(clock: Clock, steps: int) -> Clock:
    """The clock so many steps ago."""
    return replace(clock, step=clock.step - steps)


def fisher(
    problem: Problem, phases: Phases, rows: int, generator: torch.Generator
) -> tuple[Mapping[str, Tensor], Cost]:
    """The diagonal of Fisher's information on the last `rows` rows of the phase before, by weight.

    The mean over rows of (∂ log p(y | x) / ∂w)², y drawn from the model's own predictions, one
    row at a time: the square of a batch's mean gradient, or the true labels, are something else
    (Kunstner et al. 2019). Costs a forward and a backward pass of as many rows.
    """
    params = {n: p for n, p in problem.params.items() if p.requires_grad}
    total = {name: torch.zeros_like(p) for name, p in params.items()}
    predict, left, ago = Predict(problem.model, problem.own), rows, 1
    while left > 0 and ago <= problem.clock.step:
        batch = phases.train(before(problem.clock, ago)).to(problem.batch.inputs.device.type)
        for place in range(min(left, batch.rows)):
            row = batch.cut(slice(place, place + 1))
            with evaluating(problem.model), problem.context():
                logits = predict(row).flatten(0, -2)  # [N, V]
            chances = logits.detach().softmax(-1).cpu()
            drawn = torch.multinomial(chances, 1, generator=generator).flatten()
            loss = F.cross_entropy(logits, drawn.to(logits.device), reduction="sum")
            grads = torch.autograd.grad(loss, list(params.values()), allow_unused=True)
            for name, grad in zip(params, grads, strict=True):
                if grad is not None:
                    total[name] += grad.detach().square()
        left, ago = left - batch.rows, ago + 1
    seen = rows - max(0, left)
    share = seen / problem.batch.rows
    return {name: each / max(1, seen) for name, each in total.items()}, Cost(share, share)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """`model` without dropout, and as it was afterwards."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)

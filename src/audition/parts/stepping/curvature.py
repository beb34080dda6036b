"""Estimates of the loss's second derivative by each weight alone, measured beside the gradient.

Shape suffixes: N predictions of a batch, V outputs.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from audition.recipe import tree
from audition.recipe.batches import Batch
from audition.recipe.effect import Effect
from audition.recipe.gradient import moved
from audition.recipe.problem import Cost, Gradient, GradientRule, Predict, Problem, always
from audition.recipe.signals import Tensors, View

Estimator = Literal["gauss_newton", "hutchinson"]
"""Bartlett's estimate of the Gauss-Newton diagonal, or Hutchinson's of the Hessian's."""

NEARBY = 0.01
"""How far apart the two gradients are of which a product with the Hessian is made: in float32 it
agrees with double backward to four digits at 1e-3 and at 1e-2."""


@runtime_checkable
class MeasuresCurvature(Protocol):
    """An optimizer's policy that needs estimates of curvature beside gradients."""

    def measurement(self) -> Effect:
        """The first link of the run's chain, which puts them into `Gradient.curvature`."""
        ...


@runtime_checkable
class TakesCurvature(Protocol):
    """An optimizer that takes estimates of curvature in."""

    def take_curvature(self, estimates: Tensors) -> None:
        """Take in those of this step, before it is made; named as the parameters are."""
        ...


@dataclass(frozen=True, kw_only=True)
class Curvature(Effect):
    """Every `every` steps, from the first on, `Gradient.curvature` has an estimate of this batch.

    Each is made of gradients that the wrapped rule gives, so pieces and processes count as in a step,
    and every pass is counted. Draws come from the run's own stream; dropout's masks are those of
    the step itself, whose draws are left as they were.
    """

    every: int = 10
    estimator: Estimator = "gauss_newton"

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        if view.clock.step % self.every:
            return rule, state
        measure = gauss_newton if self.estimator == "gauss_newton" else hutchinson
        generator = view.streams.generator("draws", view.clock.step)

        def measured(problem: Problem) -> Gradient:
            estimates, cost = measure(rule, replace(problem, opens=always), generator)
            gradient = rule(problem)
            return replace(gradient, curvature=estimates, cost=gradient.cost + cost)

        return measured, state


def gauss_newton(
    rule: GradientRule, problem: Problem, generator: torch.Generator
) -> tuple[Tensors, Cost]:
    """N ĝ ∘ ĝ, ĝ the gradient on answers drawn from the model's own predictions.

    Liu et al. 2023 (Sophia), algorithm 2. Under such answers the gradients of the N predictions are
    independent and of mean nought, so that its mean is the diagonal of the Gauss-Newton matrix, which
    no eigenvalue of is negative. Costs two forward passes, and one backward.
    """
    with replayed(problem):
        batch = replace(problem.batch, targets=drawn_targets(problem, generator))
    with replayed(problem):
        found = rule(replace(problem, batch=batch))
    units = float(problem.batch.units)
    squares = {name: grad.square().mul_(units) for name, grad in found.grads.items()}
    return squares, found.cost + Cost(forward=1.0)


def hutchinson(
    rule: GradientRule, problem: Problem, generator: torch.Generator
) -> tuple[Tensors, Cost]:
    """v ∘ H v, with v independent signs: its mean is the diagonal of the Hessian H.

    Hutchinson 1989; Sophia, algorithm 1. H v is the central difference of two gradients, in float32
    whatever the run's precision. Costs two forward and two backward passes.
    """
    signs: dict[str, Tensor] = {}
    for name, p in problem.params.items():
        drawn = torch.randint(2, p.shape, generator=generator, dtype=torch.float32)
        signs[name] = drawn.mul_(2).sub_(1).to(p)
    products, cost = hessian_product(rule, problem, signs)
    return {name: product * signs[name] for name, product in products.items()}, cost


def hessian_product(rule: GradientRule, problem: Problem, along: Tensors) -> tuple[Tensors, Cost]:
    """H v for v = `along`, of the parameters that have a gradient."""
    exact = replace(problem, context=nullcontext)
    step = (NEARBY / tree.norms(along).norm()).expand(len(along))  # [K]
    ends: list[Gradient] = []
    for way in (step, -step):
        with moved(problem.params, tree.scale(along, way)), replayed(problem):
            ends.append(rule(exact))
    ahead, behind = (end.grads for end in ends)
    shared = {name: grad for name, grad in ahead.items() if name in behind}
    products = tree.divide(tree.subtract(shared, behind), 2 * step[: len(shared)])
    return products, ends[0].cost + ends[1].cost


@torch.no_grad()
def drawn_targets(problem: Problem, generator: torch.Generator) -> Tensor:
    """Answers drawn from the model's predictions on the batch, of the targets' shape; one pass."""
    drawn = []
    for piece in problem.batch.split(problem.micro_batches):
        with problem.context():
            logits = Predict(problem.model, problem.own)(piece)
        drawn.append(draw(logits, piece, generator))
    return torch.cat(drawn)


def draw(logits: Tensor, piece: Batch, generator: torch.Generator) -> Tensor:
    """One answer for each prediction, by the inverse of its distribution function."""
    rising = logits.flatten(0, -2).softmax(-1).cumsum(-1)  # [N, V]
    # Drawn on the processor, so that one seed means one thing; below 1, so that the last is allowed.
    at = torch.rand(len(rising), 1, generator=generator).clamp_(max=1 - 1e-6).to(rising)
    found = torch.searchsorted(rising, at * rising[:, -1:], right=True)
    return found.clamp_(max=rising.shape[-1] - 1).view_as(piece.targets).to(piece.targets)


@contextmanager
def replayed(problem: Problem) -> Iterator[None]:
    """The draws of dropout within the block are made again by whatever comes after it."""
    device = problem.batch.inputs.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield

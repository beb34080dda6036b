"""Rope unfold: rotary positions are switched on one frequency after the other.

At the start of training no plane of a head turns, and attention sees a set of earlier tokens. The
planes then open one by one, each over a short ramp, until all turn as in RoPE: `t` of them after
the share `t` of the unfolding. Where the fast planes come first, close tokens are told apart first.

Shape suffixes: T places, F planes of a head.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.dims import Dims
from audition.parts.positional.places import Places, Positional
from audition.parts.positional.rope import RopePlaces, waves
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.recipe import Recipe

Order = Literal["fine_first", "coarse_first", "together", "random"]


@dataclass(frozen=True, kw_only=True)
class RopeUnfold:
    """The idea and its controls: both arms need `positional=rope`.

    At the share x of the unfolding, plane i turns by α_i of its angle, α_i = clip((F + 1) x - rank_i,
    0, 1), with ranks from 1 to F; `together`, α_i = x.
    """

    over: Annotated[float, Interval(ge=0, le=1)] = 0.4
    """Share of the run after which all planes turn; 0 is the exact identity."""
    order: Order = "fine_first"
    """Which planes open first: the fast ones, the slow ones, all at once, or those that `draw` says."""
    draw: Annotated[int, Ge(0)] = 0
    """Number of the permutation of order=random."""

    neutral: ClassVar[Mapping[str, object]] = {"over": 0}
    active: ClassVar[Mapping[str, object]] = {"over": 0.8}

    def __call__(self, recipe: Recipe) -> Recipe:
        """Models without rotary positions are refused as they are made."""
        if self.over == 0.0:
            return recipe
        inner = recipe.model.keywords.get("positional")
        if inner is None:
            raise AuditionError(
                "rope_unfold opens rotary positions, and this model has no positions"
            )
        unfolding = recipe.with_model(positional=Unfolding(inner))
        return replace(unfolding, gradient=Advanced(recipe.gradient, self))

    def opened(self, fraction: float, planes: int) -> Tensor:
        """How much of its angle each plane turns by, [F] float64, once `fraction` of a run is spent."""
        x = torch.tensor(fraction / self.over, dtype=torch.float64)
        if self.order == "together":
            return x.clamp(0.0, 1.0).expand(planes)
        return ((planes + 1) * x - self.ranks(planes)).clamp(0.0, 1.0)

    def ranks(self, planes: int) -> Tensor:
        """The place of each plane in the order, [F], from 1; plane 0 is the fastest."""
        if self.order == "random":
            generator = torch.Generator().manual_seed(self.draw)
            return torch.randperm(planes, generator=generator) + 1
        ranks = torch.arange(1, planes + 1)
        return ranks if self.order == "fine_first" else ranks.flip(0)


@dataclass(frozen=True)
class Unfolding:
    """A positional policy: what another one makes, with planes that can be opened."""

    inner: Positional

    def __call__(self, dims: Dims) -> Places:
        """Raises AuditionError where the positions are not rotary."""
        rope = self.inner(dims)
        if type(rope) is not RopePlaces:
            raise AuditionError(
                "rope_unfold opens rotary positions: choose positional=rope, which is then the "
                "baseline's too"
            )
        return UnfoldingPlaces(rope)


class UnfoldingPlaces(RopePlaces):
    """RoPE whose tables are state, since they depend on how far training has come.

    No plane turns before the first `unfold`.
    """

    def __init__(self, rope: RopePlaces) -> None:
        nn.Module.__init__(self)
        self.channels, self.angles = rope.channels, rope.angles
        cos, sin = waves(torch.zeros_like(rope.angles))
        self.register_buffer("cos", cos)  # kept by checkpoints
        self.register_buffer("sin", sin)

    def unfold(self, opened: Tensor) -> None:
        """Let each plane turn by the share `opened` [F] of its angle."""
        cos, sin = waves(self.angles * opened)
        self.cos.copy_(cos)
        self.sin.copy_(sin)


class Advanced:
    """A gradient rule that first opens the planes that are due."""

    def __init__(self, rule: GradientRule, settings: RopeUnfold) -> None:
        self.rule, self.settings = rule, settings

    def __call__(self, problem: Problem) -> Gradient:
        places = problem.model.get_submodule("positional")
        assert isinstance(places, UnfoldingPlaces)
        with torch.no_grad():
            planes = places.angles.shape[-1]
            places.unfold(self.settings.opened(problem.clock.fraction, planes))
        return self.rule(problem)

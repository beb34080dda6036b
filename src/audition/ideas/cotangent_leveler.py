"""Cotangent leveler: in the backward pass alone, loud tokens are turned down and quiet ones up.

A cotangent is what the backward pass hands on: the gradient of the loss by an activation. Shape
suffixes: B rows, T tokens, C channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Interval
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.recipe.recipe import Recipe

TINY = 1e-30

AXES: Mapping[str, tuple[int, ...]] = {"token": (-1,), "sequence": (-2, -1)}
"""The axes of [B, T, C] that one loudness is taken over."""


@dataclass(frozen=True, kw_only=True)
class CotangentLeveler:
    """At the input of every block the cotangent g_t of token t becomes g_t (r̄ / r_t)^kappa.

    r_t is the root mean square of g_t, and r̄ is such that the sum of squares over the tokens of the
    pass stays as it is. The forward pass, and so the loss, is untouched.
    """

    kappa: Annotated[float, Interval(ge=-1, le=1)] = 0.3
    """How far levels are evened out: 0 is the exact identity, 1 makes them equal, below 0 spreads."""
    at: Literal["blocks", "logits"] = "blocks"
    """At every block's input, or once at the logits: there it is a reweighting of the loss."""
    over: Literal["token", "sequence"] = "token"
    """Whether one loudness is that of a token, or of a whole row."""

    neutral: ClassVar[Mapping[str, object]] = {"kappa": 0}
    active: ClassVar[Mapping[str, object]] = {"kappa": 0.5}

    def __call__(self, recipe: Recipe) -> Recipe:
        return recipe if self.kappa == 0.0 else recipe.with_change(self.hook)

    def hook(self, model: nn.Module) -> None:
        """Level the backward pass of `model`; raises AuditionError where it has no `blocks`."""
        blocks = getattr(model, "blocks", None)
        if blocks is None:
            raise AuditionError(
                f"cotangent_leveler acts at the inputs of blocks, and {type(model).__name__} has "
                "none: choose model=nano, or another GPT"
            )
        if self.at == "logits":
            model.register_forward_hook(lambda module, given, logits: self._level(logits))
            return
        for block in blocks:
            block.register_forward_pre_hook(
                lambda module, given: (self._level(given[0]), *given[1:])
            )

    def _level(self, x: Tensor) -> Tensor:
        return level(x, self.kappa, AXES[self.over])


def level(x: Tensor, kappa: float, axes: tuple[int, ...] = (-1,)) -> Tensor:
    """`x` [B, T, C] itself, whose cotangent is `levelled`."""
    found: Tensor = _Level.apply(x, kappa, axes)  # type: ignore[no-untyped-call]
    return found


def levelled(g: Tensor, kappa: float, axes: tuple[int, ...] = (-1,)) -> Tensor:
    """g (r̄ / r)^kappa for r the level of g [B, T, C] over `axes`; the sum of squares stays.

    Zeros stay zeros. Levels are taken relative to the loudest, since their powers would underflow.
    """
    wide = torch.promote_types(g.dtype, torch.float32)
    r = torch.linalg.vector_norm(g, dim=axes, keepdim=True, dtype=wide)  # [B, T, 1] or [B, 1, 1]
    r = r / r.amax().clamp(min=TINY)
    gains = r.clamp(min=TINY) ** -kappa
    energy = r.square().sum() / (r * gains).square().sum().clamp(min=TINY)
    gained: Tensor = g * (gains * energy.sqrt())
    return gained.to(g.dtype)


class _Level(torch.autograd.Function):
    generate_vmap_rule = True  # each run of a pack is levelled by itself

    @staticmethod
    def forward(x: Tensor, kappa: float, axes: tuple[int, ...]) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.kappa, ctx.axes = inputs[1:]

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        return levelled(g, ctx.kappa, ctx.axes), None, None

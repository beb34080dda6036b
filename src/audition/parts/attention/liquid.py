"""Liquid time-constant cells (Hasani et al. 2021) in the place of attention: a state with gated decay.

Shape suffixes: B batch, T places, C channels.
"""

from dataclasses import dataclass
from math import log
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn
from torch.nn import functional as F

from audition.parts.attention.chunks import scan
from audition.parts.attention.pairs import Pairs, past
from audition.parts.dims import Dims, Norm
from audition.parts.initial import Normal, parameter
from audition.parts.linear import Linear
from audition.parts.positional.places import Places, Reach


@dataclass(frozen=True, kw_only=True)
class Liquid:
    """x' = -(1/τ + f) x + f A with a gate f, τ = softplus of a parameter, and A learned a channel.

    `input_gated`: f = σ(U i + b) of the input i alone. Over the interval between two tokens the
    equation is solved exactly, x_t = a x_{t-1} + (1 - a) f A / (1/τ + f) with
    a = exp(-interval (1/τ + f)): this is a gated linear recurrence, and no more. It is scanned in
    log2(T) steps.

    `fused`: f = σ(W x + U i + b) of the state, too, in `unfolds` fused steps of d = interval /
    unfolds a token, x ← (x + d f A) / (1 + d (1/τ + f)). Token by token: T · unfolds small steps,
    many times as slow as attention.

    Either way x stays between 0 and A. It has no queries, keys or scores, and no notion of heads.
    Channels begin with time constants from 1 token to the whole context, evenly by their logarithm,
    and b with gates as fast.
    """

    kind: Literal["input_gated", "fused"] = "input_gated"
    """What the gate reads: the input, or the state too."""
    unfolds: Annotated[int, Ge(1)] = 6
    """Fused steps a token; `input_gated` needs none."""
    interval: Annotated[float, Gt(0)] = 1.0
    """Time that passes from a token to the next, in the unit of τ."""

    def __call__(self, dims: Dims, norm: Norm) -> "LiquidCells":
        return LiquidCells(dims, self)

    def pairs(self, places: int) -> Pairs:
        """All of the past acts through the state; no pair is ever computed."""
        return Pairs(past(places), 0)


@dataclass(frozen=True)
class Spread:
    """Numbers of which softplus (`rates=False`) goes from 1 to `longest` evenly by its logarithm,
    or of which the logistic function is about 1 through that.
    """

    longest: int
    rates: bool = False

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        times = torch.linspace(0.0, log(self.longest), shape[0], dtype=torch.float64).exp()
        return (-times.log() if self.rates else times + torch.log(-torch.expm1(-times))).float()


class LiquidCells(nn.Module):
    """C cells over the tokens of a window, and a map of their states back to the residual stream."""

    reached_by: ClassVar[frozenset[Reach]] = frozenset()

    def __init__(self, dims: Dims, policy: Liquid) -> None:
        super().__init__()
        width = dims.width
        self.policy = policy
        self.input = Linear(width, width)
        self.gate_bias = parameter(width, init=Spread(dims.context, rates=True), role="vector")
        self.time = parameter(width, init=Spread(dims.context), role="vector")
        self.target = parameter(width, init=Normal(1.0), role="vector")
        if policy.kind == "fused":
            self.recurrent = Linear(width, width)
        self.out = Linear(width, width, dims.bias, residual=True)

    def states(self, x: Tensor) -> Tensor:
        """The cells' states after each token of [B, T, C], of the same shape."""
        drive = self.input(x).float() + self.gate_bias
        leak = 1 / F.softplus(self.time)
        if self.policy.kind == "input_gated":
            return exact(drive, leak, self.target, self.policy.interval)
        step = self.policy.interval / self.policy.unfolds
        state, found = torch.zeros_like(drive[:, 0]), []
        for given in drive.unbind(1):
            for _ in range(self.policy.unfolds):
                gate = torch.sigmoid(given + self.recurrent(state))
                state = (state + step * gate * self.target) / (1 + step * (leak + gate))
            found.append(state)
        return torch.stack(found, dim=1)

    def forward(self, x: Tensor, positional: Places) -> Tensor:
        """[B, T, C] to [B, T, C]."""
        return self.out(self.states(x))  # type: ignore[no-any-return]


def exact(drive: Tensor, leak: Tensor, target: Tensor, interval: float) -> Tensor:
    """The states [B, T, C] of x' = -(leak + f) x + f · target with f = σ(drive), constant between
    tokens; `leak` and `target` are [C].
    """
    gate = torch.sigmoid(drive)
    speed = leak + gate
    kept = torch.exp(-interval * speed)
    return scan(kept, (1 - kept) * gate * target / speed)

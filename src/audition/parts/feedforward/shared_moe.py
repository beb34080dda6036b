"""Shared and routed experts (DeepSeekMoE, Dai et al. 2024): some maps see all tokens."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt
from torch import Tensor

from audition.parts.dims import Dims
from audition.parts.feedforward.moe import Mixture, MixtureOfExperts


@dataclass(frozen=True, kw_only=True)
class SharedMixture(MixtureOfExperts):
    """A mixture of experts, and `shared` experts more that every token goes to, with weight 1.

    With the defaults a token meets as many hidden units as in the two-layer map of ratio 4, and the
    model has two and a half times its parameters.
    """

    shared: Annotated[int, Ge(1)] = 2
    """Experts for all tokens; they are one map of `shared` times the hidden units."""
    ratio: Annotated[float, Gt(0)] = 1.0
    """Of each expert: hidden units per channel, two thirds of them where it is gated."""

    def __call__(self, dims: Dims) -> "SharedAndRouted":
        return SharedAndRouted(dims, self)


class SharedAndRouted(Mixture):
    """`shared(x)` added to what the routed experts make of x."""

    def __init__(self, dims: Dims, policy: SharedMixture) -> None:
        super().__init__(dims, policy)
        self.shared = policy.map(dims, policy.shared * policy.ratio)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.shared(x)  # type: ignore[no-any-return]

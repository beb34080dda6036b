"""Weighted skips: each block reads a learned mean of what all earlier blocks added.

Shape suffixes: B batch, T places, C channels (the width).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.dims import Dims
from audition.parts.initial import Constant, parameter
from audition.parts.skip.paths import BranchPaths


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """y = x + γ Σ softmax(s)_k o_k, over what each earlier block k added to the stream, o_k.

    Block l has l scores and one γ, zero at first: with γ = 0 the model is the one without. The first
    block has nothing before it and reads the stream alone. A relative of DenseFormer (Pagliardini
    et al. 2024), whose weights are free and average whole outputs rather than what was added.

    Raises AuditionError for a model of one block.
    """

    def __call__(self, dims: Dims) -> "WeightedPaths":
        if dims.layers < 2:
            raise AuditionError(
                "skip=attention weights what earlier blocks added, and a model of one block has no "
                "earlier one: choose skip=none"
            )
        return WeightedPaths(dims)


class WeightedPaths(BranchPaths):
    """Scores and a gain for every block after the first."""

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        later = range(1, dims.layers)
        self.scores = nn.ParameterList(
            parameter(layer, init=Constant(0.0), role="vector") for layer in later
        )
        self.gains = nn.ParameterList(
            parameter(1, init=Constant(0.0), role="vector") for _ in later
        )

    def enter(self, layer: int, x: Tensor, added: Sequence[Tensor]) -> Tensor:
        if layer == 0:
            return x
        weights = self.gains[layer - 1] * self.scores[layer - 1].softmax(0)  # [layer]
        terms = (weight * each for weight, each in zip(weights.unbind(), added, strict=True))
        for term in terms:
            x = x + term
        return x

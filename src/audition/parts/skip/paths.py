"""The interface of skip connections, and those that pass on what an earlier block added.

Shape suffixes: B batch, T places, C channels (the width).
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.dims import Dims
from audition.parts.positional.places import Places
from audition.recipe.turnover import Turnover


class Paths(nn.Module):
    """One module a model, which passes the residual stream through the blocks, one after another."""

    def connect(self, blocks: nn.ModuleList) -> None:
        """Called once with the blocks of the model, before the first weights."""

    def forward(self, x: Tensor, blocks: nn.ModuleList, positional: Places) -> Tensor:
        """The embedded tokens [B, T, C] to what the last block makes of them, [B, T, C]."""
        for block in blocks:
            x = block(x, positional)
        return x


class Skip(Protocol):
    """Makes the skip connections of a model; an idea may pass its own."""

    def __call__(self, dims: Dims) -> Paths:
        """The model's module of skip connections."""
        ...


@runtime_checkable
class Rewires(Protocol):
    """Skip connections that change during training, with the units that they connect."""

    def turnover(self, inner: Turnover) -> Turnover:
        """The run's own turnover, and beside it that of the connections."""
        ...


class BranchPaths(Paths):
    """Adds to what a block reads something of what earlier blocks added to the stream.

    What a block added is its output less its input, which without a norm after the sum is the sum
    of its two branches. The stream itself would be the wrong source: it still carries what it was
    before the block, and would be counted twice.
    """

    def enter(self, layer: int, x: Tensor, added: Sequence[Tensor]) -> Tensor:
        """What block `layer` reads in place of the stream x; `added` are those of earlier blocks."""
        return x

    def forward(self, x: Tensor, blocks: nn.ModuleList, positional: Places) -> Tensor:
        added: list[Tensor] = []
        for layer, block in enumerate(blocks):
            x = self.enter(layer, x, added)
            y = block(x, positional)
            if layer + 1 < len(blocks):
                added.append(y - x)
            x = y
        return x


def check_span(span: int, layers: int) -> None:
    """Raise AuditionError for a span that connects no two blocks of so many."""
    if span >= layers:
        raise AuditionError(
            f"skip.span={span} connects no two blocks of a model of {layers}: choose "
            + (f"at most {layers - 1}" if layers > 1 else "skip=none")
        )

"""The shape of an apoptosis strategy: it names hidden units and proposes what replaces them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from audition.recipe.signals import Batches, Gradient, View

State = Any


@dataclass(frozen=True)
class Transplant:
    """New values for some hidden units of one feed-forward layer.

    A unit is its incoming row, its bias and its outgoing column; `layer` is the qualified name of
    a module that has `up` and `down` linear maps. Optimizer moments of every rewritten slice are
    zeroed. Units that appear in no transplant keep their bits.
    """

    layer: str
    units: Tensor  # [k] int64: the units that are rewritten
    rows: Tensor  # [k, width]: new incoming weights
    biases: Tensor | None  # [k], or None where the layer has no bias
    columns: Tensor  # [width, k]: new outgoing weights
    parents: Tensor = field(default_factory=lambda: Tensor())  # [k] or [k, 2]: for the lineage
    rescaled: Tensor | None = None  # [r] int64: survivors whose outgoing columns also change ...
    rescaled_columns: Tensor | None = None  # [width, r]: ... to these values


class Turnover:
    """Who dies, who inherits and how. This base class is the neutral element: nobody dies."""

    def init(self, model: nn.Module) -> State:
        """The state before the first step."""
        return None

    def propose(
        self, model: nn.Module, gradient: Gradient, batches: Batches, state: State, view: View
    ) -> tuple[Sequence[Transplant], State]:
        """The transplants due after this step, usually none. Never writes to the model."""
        return (), state

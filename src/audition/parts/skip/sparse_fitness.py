"""Sparse skips: single hidden units of one block are wired to units of a later one, the fittest first.

Shape suffixes: B batch, T places, H hidden units of a block, K edges.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, cast

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.dims import Dims
from audition.parts.initial import Constant, parameter
from audition.parts.positional.places import Places
from audition.parts.skip.paths import Paths, check_span
from audition.parts.skip.rewiring import Rewiring
from audition.recipe.turnover import Turnover
from audition.recipe.units import HasUnits


@dataclass(frozen=True, kw_only=True)
class SparseFitness:
    """h_i += w · h_j for a few pairs of hidden units, j of a block and i of that `span` later.

    Edges are put in during training, `events` times: each fit unit without one gets an edge to a unit
    drawn at random, of weight 0, which is trained from then on. A unit's fitness is the size of the
    loss's first-order change without it, a moving average. An edge goes with either of its units when
    apoptosis takes that, and a child inherits none. Passing edges costs a copy of the activations of
    each block that is wired.

    Raises AuditionError for a span that no two blocks have, and for blocks without hidden units.
    """

    active: ClassVar = {"span": 1}

    span: Annotated[int, Ge(1)] = 2
    """Blocks from the one where an edge begins to the one where it ends."""
    edges: Annotated[int, Ge(1)] = 64
    """The most of them between two blocks."""
    quantile: Annotated[float, Interval(ge=0, lt=1)] = 0.9
    """Of the fitness of a block's units, over which one gets an edge."""
    events: Annotated[int, Ge(1)] = 8
    """How often edges are put in, evenly spread from `start` to `until`."""
    start: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    """Share of the budget before the first of them."""
    until: Annotated[float, Gt(0), Interval(le=1)] = 0.8
    """Share of the budget after which there are no new ones."""
    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    """Of the moving average of fitness, per step."""

    def __post_init__(self) -> None:
        if self.start >= self.until:
            raise AuditionError(
                f"skip.start={self.start} and skip.until={self.until} leave no time for edges: "
                "start must be smaller"
            )

    def __call__(self, dims: Dims) -> "EdgePaths":
        check_span(self.span, dims.layers)
        return EdgePaths(dims, self)

    def turnover(self, inner: Turnover) -> Turnover:
        """What puts edges in and takes them out, beside the run's own apoptosis."""
        return Rewiring(
            inner=inner,
            span=self.span,
            edges=self.edges,
            quantile=self.quantile,
            events=self.events,
            start=self.start,
            until=self.until,
            memory=self.memory,
        )


class Bundle(nn.Module):
    """The edges between two blocks, [K] each: weight, where it begins and ends, whether it is there."""

    source: Tensor  # int64
    target: Tensor  # int64
    there: Tensor  # bool

    def __init__(self, edges: int) -> None:
        super().__init__()
        self.weight = parameter(edges, init=Constant(0.0), role="vector")
        self.register_buffer("source", torch.zeros(edges, dtype=torch.int64))
        self.register_buffer("target", torch.zeros(edges, dtype=torch.int64))
        self.register_buffer("there", torch.zeros(edges, dtype=torch.bool))

    def forward(self, h: Tensor, earlier: Tensor) -> Tensor:
        """h [..., H] with what `earlier` [..., H'] sends it; an edge that is not there sends none."""
        weight = torch.where(self.there, self.weight, 0.0).to(h.dtype)
        sent = earlier.index_select(-1, self.source) * weight  # [..., K]
        return h.index_add(-1, self.target, sent)


class EdgePaths(Paths):
    """Bundles between the activations of feed-forward maps, as each map's outgoing part reads them."""

    unpacked = "edges begin and end at other units in each run (skip=sparse_fitness)"

    def __init__(self, dims: Dims, policy: SparseFitness) -> None:
        super().__init__()
        self.span = policy.span
        many = dims.layers - policy.span
        self.bundles = nn.ModuleList(Bundle(policy.edges) for _ in range(many))
        self.seen: dict[int, Tensor] = {}  # block -> its activations, within a pass

    def connect(self, blocks: nn.ModuleList) -> None:
        """Raises AuditionError for a block whose feed-forward map has no units that are read."""
        for layer, block in enumerate(blocks):
            reader = self._reader(layer, block.get_submodule("feedforward"))
            if layer >= self.span:
                reader.register_forward_pre_hook(self._receive(layer - self.span))
            if layer + self.span < len(blocks):
                reader.register_forward_pre_hook(self._send(layer))

    def forward(self, x: Tensor, blocks: nn.ModuleList, positional: Places) -> Tensor:
        self.seen.clear()
        try:
            return super().forward(x, blocks, positional)
        finally:
            self.seen.clear()

    def _reader(self, layer: int, feedforward: nn.Module) -> nn.Module:
        units = cast(HasUnits, feedforward).units() if hasattr(type(feedforward), "units") else None
        if units is None or not units.read_by:
            raise AuditionError(
                f"skip=sparse_fitness connects hidden units, and {type(feedforward).__name__} of "
                f"block {layer} has none of its own: choose feedforward=gelu or another single map"
            )
        return feedforward.get_submodule(units.read_by)

    def _send(self, layer: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def send(reader: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self.seen[layer] = inputs[0]

        return send

    def _receive(self, layer: int) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor]]:
        def receive(reader: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
            return (self.bundles[layer](inputs[0], self.seen.pop(layer)),)

        return receive

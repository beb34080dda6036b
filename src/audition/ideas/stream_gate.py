"""Stream gate: what a branch writes to the residual stream is turned up or down, band by band.

A band is a range of the stream's principal directions; its gain follows the energy that it has.
Shape suffixes: B rows, T tokens, C channels, R directions, N bands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.initial import Constant, parameter
from audition.parts.spectrum import band_members, covariance, energies, principal
from audition.recipe.carried import carried
from audition.recipe.effect import Effect
from audition.recipe.problem import Gradient
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams

KEPT = 0.99
"""Share of the sums over passes that stays at every step."""
VECTORS, COVARIANCE, LEVELS = (
    f"stream_gate.{name}" for name in ("vectors", "covariance", "levels")
)
"""The model's names of basis and covariance, and the end of the names of each branch's levels."""
BRANCHES = {"attention_norm": "attention_out_norm", "feedforward_norm": "feedforward_out_norm"}
"""What reads the residual stream in a block, and what its branch gives last."""


@dataclass(frozen=True, kw_only=True)
class StreamGate:
    """A branch's output y becomes y + Σ_b (g_b - 1) U_b U_bᵀ y, with g_b = 2 σ(c_b + a_b z_b).

    U are the top eigenvectors of the stream's covariance at the inputs of all blocks, one basis for
    the model, measured on the first row of every pass and frozen. z_b is log |U_bᵀ x|² of the stream
    x in front of the branch, less its running mean, over its running deviation; no gradient passes
    through it. a and c start at zero, and are learned once the basis is there.
    """

    rank: Annotated[int, Ge(0)] = 32
    """Directions that are gated, at most the width; 0 is the exact identity."""
    measure: Annotated[float, Interval(ge=0, lt=1)] = 0.15
    """Share of the run over which the covariance is measured; no branch is gated until then."""
    basis: Literal["eigen", "random", "axes"] = "eigen"
    """Principal directions, a random orthonormal basis, or the channels themselves (U = I)."""
    dynamic: bool = True
    """Whether gains follow the energy; false keeps a at 0."""

    neutral: ClassVar[Mapping[str, object]] = {"rank": 0}
    active: ClassVar[Mapping[str, object]] = {"measure": 0}

    def __call__(self, recipe: Recipe) -> Recipe:
        if self.rank == 0:
            return recipe
        return recipe.with_change(self.install).with_effect("stream_gate", Measuring(self))

    def install(self, model: nn.Module) -> None:
        """Gate the branches of `model`; AuditionError where no norm reads the stream before them."""
        blocks = list(getattr(model, "blocks", ()))
        reads = all(hasattr(b, name) and not b.after_sum for b in blocks for name in BRANCHES)
        if not blocks or not reads:
            raise AuditionError(
                "stream_gate acts on branches with a norm before them: choose model=nano or another "
                "GPT, with norm.placement=pre or sandwich"
            )
        width = blocks[0].attention_norm.weight.shape[0]
        stream = Stream(width, min(self.rank, width), measured=self.basis == "eigen")
        model.add_module("stream_gate", stream)
        for block in blocks:
            if self.basis == "eigen":
                block.register_forward_pre_hook(stream.measure)
            for first, last in BRANCHES.items():
                gate = Gate(stream, self.dynamic)
                getattr(block, last).add_module("stream_gate", gate)
                getattr(block, first).register_forward_pre_hook(gate.listen)
                getattr(block, last).register_forward_hook(gate.write)


class Measuring(Effect):
    """Freezes the basis when it is time, and keeps the levels of every branch.

    What a pass measured arrives as the gradient of a slot (`recipe/carried.py`).
    """

    def __init__(self, settings: StreamGate) -> None:
        self.settings = settings

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        vectors = params[VECTORS]
        basis = torch.eye(*vectors.shape, device="cpu")
        if self.settings.basis == "random":
            basis = torch.linalg.qr(basis.normal_(generator=streams.generator("basis"))).Q
        sums = {name: torch.zeros_like(params[name]) for name in params if name.endswith(LEVELS)}
        covariance = torch.zeros_like(params.get(COVARIANCE, vectors))
        return {
            "frozen": False,
            "basis": basis.to(vectors.device),
            "covariance": covariance,
            "sums": sums,
        }

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        slots = {n: g for n, g in gradient.grads.items() if n in state["sums"] or n == COVARIANCE}
        after = dict(state)
        if state["frozen"]:
            after["sums"] = {n: KEPT * s + slots[n] for n, s in state["sums"].items()}
        elif COVARIANCE in slots:
            after["covariance"] = KEPT * state["covariance"] + slots[COVARIANCE]
        zeros = {name: torch.zeros_like(slot) for name, slot in slots.items()}
        return gradient.with_grads({**gradient.grads, **zeros}), after

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        if state["frozen"]:
            return {**params, **{name: levels(sums) for name, sums in state["sums"].items()}}, state
        if view.clock.fraction < self.settings.measure:
            return params, state
        basis = state["basis"]
        if self.settings.basis == "eigen":
            basis = principal(state["covariance"], params[VECTORS].shape[-1])
        return {**params, VECTORS: basis}, {**state, "frozen": True, "basis": basis}


class Stream(nn.Module):
    """The basis [C, R], of zeros until it is frozen, and the slot of the covariance [C, C]."""

    members: Tensor

    def __init__(self, width: int, rank: int, measured: bool) -> None:
        super().__init__()
        self.register_buffer("members", band_members(rank), persistent=False)
        self.vectors = parameter(width, rank, init=Constant(0.0), role="vector")
        self.vectors.requires_grad_(False)
        if measured:
            self.covariance = parameter(width, width, init=Constant(0.0), role="vector")

    def measure(self, block: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """Before a block: the covariance of its input's first row, on its way to the slot."""
        x, *rest = given
        if self.training:
            x = carried(x, self.covariance, covariance(x[0].detach()))
        return (x, *rest)


class Gate(nn.Module):
    """The gains of one branch: offset c [N], slope a [N], and the levels [3, N] of log energies.

    Levels are the mean and one over the deviation; their third row counts the passes of a step.
    """

    def __init__(self, stream: Stream, dynamic: bool) -> None:
        super().__init__()
        self.shared = (stream,)  # in a tuple, since it is a part of the model already
        self.dynamic = dynamic
        self.heard: Tensor | None = None
        bands = len(stream.members)
        self.offset = parameter(bands, init=Constant(0.0), role="vector")
        if dynamic:
            self.slope = parameter(bands, init=Constant(0.0), role="vector")
            self.levels = parameter(3, bands, init=Constant(0.0), role="vector")

    def listen(self, norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        """Before the norm that reads the stream [B, T, C]."""
        self.heard = given[0]

    def write(self, branch: nn.Module, given: tuple[Any, ...], y: Tensor) -> Tensor:
        """After the branch: its output [B, T, C], gated."""
        x, self.heard = self.heard, None
        (stream,), gains = self.shared, self.offset
        assert x is not None
        if self.dynamic:
            # Without a gradient: that of log h² is 2 / h, without bound where a coordinate h is near 0.
            log_energy = energies(x.detach() @ stream.vectors, stream.members).log()  # [B, T, N]
            mean, precision = self.levels.detach()[:2]
            gains = gains + self.slope * (log_energy - mean) * precision
            if self.training:
                y = carried(y, self.levels, moments(log_energy))
        excess = (2.0 * gains.sigmoid() - 1.0) @ stream.members  # [B, T, R] or [R]
        return (y + ((y @ stream.vectors) * excess) @ stream.vectors.mT).to(y.dtype)


def moments(values: Tensor) -> Tensor:
    """Of [B, T, N] the means, the means of squares, and ones: [3, N]."""
    means = values.mean((0, 1))
    return torch.stack([means, values.square().mean((0, 1)), torch.ones_like(means)])


def levels(sums: Tensor) -> Tensor:
    """Sums of `moments` [3, N] to means, one over deviations (0 where nothing was seen), and ones."""
    total = sums[2].clamp(min=1e-12)
    mean, square = sums[0] / total, sums[1] / total
    precision = (square - mean.square()).clamp(min=1e-4).rsqrt() * (sums[2] > 0)
    return torch.stack([mean, precision, torch.ones_like(mean)])

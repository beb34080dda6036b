"""Weights that become zero after training, and units that are taken out."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Interval
from torch import Tensor

from audition.apoptosis.surgery import Weights, resize
from audition.deploy.model import Deployed
from audition.deploy.stored import Bitmap, Plain, Stored
from audition.errors import AuditionError
from audition.recipe.units import Resizable, Units, sites


@dataclass(frozen=True, kw_only=True)
class Prune:
    """In every matrix of the blocks, the smallest entries by magnitude become zero, all at once.

    Han et al. 2015, "Learning both Weights and Connections for Efficient Neural Networks", layer by
    layer. `by=random` is its control. Zeros of no pattern make a file smaller (`bitmap`, or a
    codec), and no product of matrices faster.
    """

    amount: Annotated[float, Interval(ge=0, lt=1)] = 0.5
    """Share of each matrix that becomes zero; ⌊amount · n⌋ entries of n."""
    by: Literal["magnitude", "random"] = "magnitude"
    """Which entries: the smallest, or drawn ones."""
    pattern: Literal["any", "two_of_four"] = "any"
    """Where: anywhere, or two of every four neighbours of a row, which some cards compute faster."""

    def __call__(self, deployed: Deployed) -> Deployed:
        if not self.amount:
            return deployed
        if self.pattern == "two_of_four" and self.amount != 0.5:
            raise AuditionError(f"pattern=two_of_four prunes half, and amount={self.amount}")
        generator = torch.Generator().manual_seed(0)

        def zeroed(name: str, weight: Tensor) -> Tensor:
            drawn = self.by == "random"
            sizes = torch.rand(weight.shape, generator=generator) if drawn else weight.abs()
            rows = sizes.view(-1, 4) if self.pattern == "two_of_four" else sizes.view(1, -1)
            # 0.7 · 10 is not 7 in floating point.
            dropped = int(self.amount * rows.shape[1] + 1e-9)
            smallest = rows.topk(dropped, dim=1, largest=False).indices
            keep = torch.ones_like(rows, dtype=torch.bool).scatter(1, smallest, False)
            return torch.where(keep.view(weight.shape), weight, torch.zeros_like(weight))

        return deployed.with_weights(zeroed)


@dataclass(frozen=True, kw_only=True)
class Sparse:
    """Matrices with zeros are stored as the entries that are none, and a bit for each entry."""

    def __call__(self, deployed: Deployed) -> Deployed:
        def mapped(name: str, weight: Tensor) -> Stored | None:
            plain = isinstance(deployed.stored[name], Plain)
            zeros = weight.numel() - weight.count_nonzero()
            # Below one zero in 32 entries the bits take more than the zeros did.
            return Bitmap(weight) if plain and zeros * 32 > weight.numel() else None

        return deployed.with_stored(mapped)


@dataclass(frozen=True, kw_only=True)
class Narrow:
    """Hidden units of the feed-forward maps are taken out: smaller matrices, of which all is computed.

    Those go whose incoming weights, times their outgoing ones, are shortest.
    """

    amount: Annotated[float, Interval(ge=0, lt=1)] = 0.25
    """Share of the units of each layer that is taken out, at least one stays."""

    def __call__(self, deployed: Deployed) -> Deployed:
        model = deployed.runnable()
        params = dict(model.named_parameters())
        weights = Weights(model, params, torch.optim.SGD(params.values(), lr=0.0))
        found = {
            site: units
            for site, units in sites(model).items()
            if isinstance(model.get_submodule(site), Resizable)
        }
        for site, units in found.items():
            kept = units.count - int(self.amount * units.count + 1e-9)
            if kept < units.count:
                longest = lengths(params, units).topk(kept).indices.sort().values
                resize(weights, site, kept, longest)
        names = model.state_dict()
        stored = {
            name: old if old.dense().shape == names[name].shape else Plain(names[name].clone())
            for name, old in deployed.stored.items()
        }
        changed = any(stored[name] is not old for name, old in deployed.stored.items())
        return Deployed(deepcopy(model), stored) if changed else deployed


def lengths(params: dict[str, torch.nn.Parameter], units: Units) -> Tensor:
    """[units]: the norm of a unit's incoming weights times that of its outgoing ones."""
    total = {"incoming": torch.zeros(units.count), "outgoing": torch.zeros(units.count)}
    for part in units.parts:
        squares = params[part.parameter].detach().float().square()
        rows = squares.movedim(part.axis, 0).flatten(1).sum(1) if squares.ndim > 1 else squares
        total[part.role] += rows.view(units.count, part.size).sum(1)
    return (total["incoming"] * total["outgoing"]).sqrt()

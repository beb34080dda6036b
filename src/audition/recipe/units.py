"""Units of a module, such as hidden neurons: which entries of which parameters belong to unit j."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Part:
    """Where a module's units lie in one of its parameters: `size` entries of `axis` for each.

    An `incoming` part decides what a unit computes, an `outgoing` one what the model does with the
    result: a unit whose outgoing entries are zero has no effect.

    Examples:
        A unit that owns two neighbouring rows, such as one head of two channels:

        >>> import torch
        >>> from audition import Part
        >>> Part("query.weight", axis=0, role="incoming", size=2).entries(torch.tensor([0, 3]))
        tensor([0, 1, 6, 7])
    """

    parameter: str
    axis: int
    role: Literal["incoming", "outgoing"]
    size: int = 1

    def entries(self, units: Tensor) -> Tensor:
        """The entries of `axis` that belong to `units` [k], [k * size], unit by unit."""
        if self.size == 1:
            return units
        within = torch.arange(self.size, device=units.device)
        return (units[:, None] * self.size + within).flatten()


@dataclass(frozen=True)
class Units:
    """The units of one module: how many, and where they are in its parameters.

    `read_by` names the submodule whose input holds the units' activations on its last axis, where
    there is one; `made_by` the one whose output they are made of by an activation; `bias` the
    parameter that is added to what the outgoing parts give. A module's own names are relative to
    it; `sites` gives those of the whole model.

    Examples:
        >>> from audition import Part, Units
        >>> up, down = Part("up.weight", 0, "incoming"), Part("down.weight", 1, "outgoing")
        >>> Units(128, (up, down), read_by="down").within("blocks.0.feedforward").read_by
        'blocks.0.feedforward.down'
    """

    count: int
    parts: tuple[Part, ...]
    read_by: str = ""
    made_by: str = ""
    bias: str = ""

    def parts_of(self, role: Literal["incoming", "outgoing"]) -> tuple[Part, ...]:
        """The parts of that role, in the order declared."""
        return tuple(part for part in self.parts if part.role == role)

    def within(self, path: str) -> "Units":
        """The same with names as seen from the model, of a module at `path`."""
        parts = tuple(replace(p, parameter=_joined(path, p.parameter)) for p in self.parts)
        names = (self.read_by, self.made_by, self.bias)
        return Units(self.count, parts, *(name and _joined(path, name) for name in names))


@dataclass(frozen=True)
class Resize:
    """A change of a site's number of units: which were kept, and how many there are now.

    Units that were added come after those kept.

    Examples:
        Unit 1 of three is taken out; an effect's memory follows:

        >>> import torch
        >>> from audition import Part, Resize, Units
        >>> units = Units(3, (Part("w", axis=0, role="incoming"),))
        >>> resize = Resize("site", units, kept=torch.tensor([0, 2]), count=2)
        >>> resize.follow({"w": torch.tensor([5.0, 6.0, 7.0])}, {"w": torch.zeros(2)})
        {'w': tensor([5., 7.])}
    """

    site: str
    units: Units  # before it
    kept: Tensor  # [n] int64, of those before it, rising
    count: int  # after it

    def follow(
        self, values: Mapping[str, Tensor], fresh: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """`values`, parameter name -> a tensor of its shape, brought to the new shape.

        New entries are those of `fresh`, which has the new shapes; a name that it lacks, or that is
        none of this site's, is left as it is.
        """
        after = dict(values)
        for part in self.units.parts:
            name = part.parameter
            if name in after and name in fresh:
                kept = part.entries(self.kept.to(after[name].device))
                old = after[name].index_select(part.axis, kept)
                added = self.count * part.size - len(kept)
                new = fresh[name].detach().narrow(part.axis, len(kept), added)
                after[name] = torch.cat([old, new], part.axis)
        return after


def saliency(units: Units, params: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> Tensor:
    """|sum of weight x gradient| over each unit's outgoing entries, [H].

    The first-order change of the loss if the unit were removed (Molchanov et al. 2019): the sum
    over an outgoing column equals the batch's sum of activation x its gradient.

    Raises ValueError for units without an outgoing part.
    """
    total: Tensor | None = None
    for part in units.parts_of("outgoing"):
        product = params[part.parameter] * grads[part.parameter]
        others = [axis for axis in range(product.ndim) if axis != part.axis]
        own = product.sum(others) if others else product  # [H * size]
        if part.size > 1:
            own = own.view(-1, part.size).sum(1)
        total = own if total is None else total + own
    if total is None:
        raise ValueError("these units have no outgoing part")
    return total.abs()


class HasUnits(Protocol):
    """A module whose units can die and be replaced."""

    def units(self) -> Units:
        """Its units as they are now, named relative to it."""
        ...


@runtime_checkable
class Resizable(HasUnits, Protocol):
    """A module whose units can also become more or fewer."""

    def resized(self, count: int) -> None:
        """Called when the parameters hold `count` units, to adjust what else depends on it."""
        ...


def sites(model: nn.Module) -> dict[str, Units]:
    """Every module of `model` that has units, by its qualified name, in the model's order."""
    return {
        path: cast(HasUnits, module).units().within(path)
        for path, module in model.named_modules()
        # Asked of the class, since a module looks an attribute up in its parameters and buffers too.
        if hasattr(type(module), "units")
    }


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

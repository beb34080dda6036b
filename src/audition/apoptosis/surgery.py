"""The only file that rewrites units: weights, biases, outgoing columns, moments, and their number."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from audition.errors import AuditionError
from audition.parts.stepping.moments import Moment, moments_of
from audition.recipe.turnover import Edit, Event
from audition.recipe.units import Part, Resizable, Resize, Units, sites

Params = dict[str, nn.Parameter]


@dataclass(frozen=True)
class Weights:
    """What is rewritten: a model, its parameters by name, and the optimizer that updates them."""

    model: nn.Module
    params: Params
    optimizer: Optimizer

    def held(self, name: str) -> Tensor:
        """The parameter or the buffer of that name; AttributeError where there is none."""
        return self.params[name] if name in self.params else self.model.get_buffer(name)


@torch.no_grad()
def operate(weights: Weights, events: Iterable[Event]) -> list[Resize]:
    """Carry out `events` in order; returns how sites were resized, if any were.

    Entries that no event names keep their bits, in weights and in moments. A parameter of another
    size is another `nn.Parameter`, in the model, in `params` and in the optimizer.

    Raises ValueError for an event that names no site, or whose numbers do not add up, and
    AuditionError for a module that cannot be resized.
    """
    resizes = []
    for event in events:
        units = units_of(weights.model, event.site)
        grown, stay = event.grown(units.count), event.stay(units.count)
        if grown > units.count:
            resize(weights, event.site, grown)
        write(weights, event.edits)
        if len(event.removed):
            added = torch.arange(units.count, grown)
            resize(weights, event.site, len(stay) + len(added), torch.cat([stay, added]))
        if event.resize is not None or len(event.removed):
            count = len(stay) + grown - units.count
            resizes.append(Resize(event.site, units, stay, count))
    return resizes


def units_of(model: nn.Module, site: str) -> Units:
    """The units of a site as they are now. Raises ValueError where there is none of that name."""
    found = sites(model)
    if site not in found:
        raise ValueError(f"{site} has no units; these have: {', '.join(found) or '(none)'}")
    return found[site]


def write(weights: Weights, edits: Sequence[Edit]) -> None:
    """Make `edits`, in order; what they copy of moments is as it was before the first of them."""
    plans: list[Callable[[], object]] = []
    for edit in edits:
        if edit.parameter in weights.params:
            for moment in moments_of(weights.optimizer, weights.params[edit.parameter]):
                plans += _planned(moment, edit)
    for edit in edits:
        weight = weights.held(edit.parameter)
        weight.index_copy_(edit.axis, edit.index.to(weight.device), edit.values.to(weight))
    for plan in plans:
        plan()


def _planned(moment: Moment, edit: Edit) -> list[Callable[[], object]]:
    """The writes that an edit means for a moment, one for each axis along which they meet.

    What a write needs of moments is read here, since an earlier edit may write it over.
    """
    tensor, index = moment.tensor, edit.index.to(moment.tensor.device)
    axes = [axis for axis, of in enumerate(moment.axes) if of == edit.axis]
    if moment.follows:
        return [partial(tensor.index_copy_, axis, index, edit.values.to(tensor)) for axis in axes]
    if edit.moments == "zero":
        return [partial(tensor.index_fill_, axis, index, 0.0) for axis in axes]
    plans: list[Callable[[], object]] = []
    if edit.source is not None:
        source, before = edit.source.to(tensor.device), tensor.clone()
        for axis in axes:
            lines = before.index_select(axis, source)
            # A moment that meets the edit twice, as a square factor: the second copy sees the first.
            before.index_copy_(axis, index, lines)
            plans.append(partial(tensor.index_copy_, axis, index, lines))
    return plans


@torch.no_grad()
def resize(weights: Weights, site: str, count: int, kept: Tensor | None = None) -> None:
    """Give a site `count` units: `kept` of those it has, in that order, then new ones of zeros.

    kept: [k] int64 on the CPU; all of them, or the first `count`, where it is not given.
    """
    module, units = weights.model.get_submodule(site), units_of(weights.model, site)
    if not isinstance(module, Resizable):
        kind = type(module).__name__
        raise AuditionError(f"{site} cannot be resized: its {kind} has no method `resized`")
    if kept is None:
        kept = torch.arange(min(count, units.count))
    for part in units.parts:
        _replace(weights, part, part.entries(kept), count * part.size)
    module.resized(count)


def _replace(weights: Weights, part: Part, kept: Tensor, length: int) -> None:
    """Put a parameter of another length along `part.axis` in the place of the old one."""
    old = weights.params[part.parameter]
    new = nn.Parameter(_resized(old, part.axis, kept, length), old.requires_grad)
    vars(new).update(vars(old))  # its role, and how it was drawn
    moments = moments_of(weights.optimizer, old)
    for moment in moments:
        for axis, of in enumerate(moment.axes):
            if of == part.axis:
                # In place, so that it is found wherever the optimizer keeps it.
                moment.tensor.data = _resized(moment.tensor, axis, kept, length)
    for holder in weights.model.modules():
        for name, parameter in holder.named_parameters(recurse=False, remove_duplicate=False):
            if parameter is old:
                setattr(holder, name, new)
    weights.params.update({name: new for name, p in weights.params.items() if p is old})
    for group in weights.optimizer.param_groups:
        group["params"][:] = [new if p is old else p for p in group["params"]]
    if old in weights.optimizer.state:
        weights.optimizer.state[new] = weights.optimizer.state.pop(old)


def _resized(tensor: Tensor, axis: int, kept: Tensor, length: int) -> Tensor:
    """The entries `kept` along `axis`, followed by zeros up to `length`, contiguous."""
    lines = tensor.detach().index_select(axis, kept.to(tensor.device))
    shape = list(lines.shape)
    shape[axis] = length - len(kept)
    return torch.cat([lines, lines.new_zeros(shape)], axis).contiguous()

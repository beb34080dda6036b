"""Applies a function of one run's trees to the trees of several: at once, or one after the other.

A tree is made of dictionaries, lists and tuples; its tensors have a leading axis [S] of runs, and
whatever else it holds is the same for all runs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from audition.errors import AuditionError


def at_once(function: Callable[..., Any], *trees: Any) -> Any:
    """`function` by `torch.func.vmap`: each of its operations is done for all runs in one.

    A tensor that `function` hands through comes back as the same object. Raises whatever an
    operation raises that cannot be done so, such as reading a value of a tensor.
    """
    leaves, spec = tree_flatten(trees)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
    found: list[tuple[list[Any], TreeSpec]] = []

    def of_one(tensors: list[Tensor]) -> list[Tensor]:
        own = list(leaves)
        for place, tensor in zip(places, tensors, strict=True):
            own[place] = tensor
        out, shape = tree_flatten(function(*tree_unflatten(own, spec)))
        given = {id(tensor): place for place, tensor in zip(places, tensors, strict=True)}
        made: list[Tensor] = []
        for i, leaf in enumerate(out):
            if isinstance(leaf, Tensor) and id(leaf) in given:
                out[i] = leaves[given[id(leaf)]]
            elif isinstance(leaf, Tensor):
                out[i] = _Made(len(made))
                made.append(leaf)
        found.append((out, shape))
        return made

    made = vmap(of_one)([leaves[place] for place in places])
    out, shape = found[0]
    return tree_unflatten([made[x.place] if isinstance(x, _Made) else x for x in out], shape)


def one_by_one(function: Callable[..., Any], runs: int, *trees: Any) -> Any:
    """`function(place, *trees)` of each run in turn, and what it returns as one tree.

    Raises AuditionError where the runs differ in anything but the values of tensors.
    """
    leaves, spec = tree_flatten(trees)
    outs: list[list[Any]] = []
    shapes: list[TreeSpec] = []
    given: list[list[Any]] = []  # kept until the end, so that no other object gets their ids
    for place in range(runs):
        own = [leaf[place] if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        out, shape = tree_flatten(function(place, *tree_unflatten(own, spec)))
        outs.append(out)
        shapes.append(shape)
        given.append(own)
    if any(shape != shapes[0] for shape in shapes):
        raise AuditionError("keeps other things for one run than for the next")
    columns = zip(*outs, strict=True)
    return tree_unflatten([_together(column, leaves, given) for column in columns], shapes[0])


def of_run(tree: Any, place: int) -> Any:
    """The tree of one run, in memory of its own."""
    leaves, spec = tree_flatten(tree)
    own = [leaf[place].clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
    return tree_unflatten(own, spec)


def stacked(trees: Sequence[Any]) -> Any:
    """The trees of several runs as one. Raises AuditionError as `one_by_one` does."""
    return one_by_one(lambda place: trees[place], len(trees))


class _Made:
    """Stands for the n-th tensor that a function made."""

    def __init__(self, place: int) -> None:
        self.place = place


def _together(column: Sequence[Any], leaves: Sequence[Any], given: Sequence[Sequence[Any]]) -> Any:
    first = column[0]
    if isinstance(first, Tensor):
        for place, leaf in enumerate(leaves):
            if all(each is own[place] for each, own in zip(column, given, strict=True)):
                return leaf
        return torch.stack(list(column))
    if any(type(each) is not type(first) or each != first for each in column):
        raise AuditionError(f"decides otherwise for one run ({first!r}) than for the next")
    return first

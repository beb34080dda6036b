"""Arithmetic on trees (parameter name -> tensor): one call for all of its tensors, in few kernels.

A tree keeps its order, and functions of two trees go by the names of the first. Only `write`, and
names that end in an underscore, as torch's do, edit a tree; that is for one of your own making, and
saves reading and writing memory that no cache holds. Of a tree whose tensors processes hold in parts
(`parallel=fsdp`), norms are those of the whole tensors. Shape suffix: K tensors of a tree.

    >>> import torch
    >>> w = {"a": torch.tensor([3.0, 4.0]), "b": torch.zeros(2)}
    >>> norms(w)
    tensor([5., 0.])
    >>> scale(w, torch.tensor([2.0, 1.0]))["a"]
    tensor([6., 8.])
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from audition.recipe.signals import Tensors


class _Each:
    """Torch's functions of a list of tensors, for which it declares no types.

    Inside `torch.func.vmap`, which knows none of them, the same function tensor by tensor.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if torch._C._functorch.peek_interpreter_stack() is None:
            return getattr(torch, name)  # type: ignore[no-any-return]
        of_one = getattr(Tensor, name.removeprefix("_foreach_"))

        def of_all(tensors: list[Tensor], *rest: Any, **same: Any) -> list[Tensor]:
            columns = (x if isinstance(x, list | tuple) else [x] * len(tensors) for x in rest)
            return [of_one(*row, **same) for row in zip(tensors, *columns, strict=True)]

        return of_all


_each = _Each()


def norms(tree: Tensors, order: int = 2) -> Tensor:
    """[K] norms, Euclidean ones by default, in the tree's order; [0] of an empty tree."""
    return _stacked(_each._foreach_norm(_values(tree), order) if tree else [])


def root_mean_squares(tree: Tensors) -> Tensor:
    """[K] root mean squares of the entries, in the tree's order; [0] of an empty tree."""
    return _stacked([x.square().mean() for x in tree.values()]).sqrt()


def scale(tree: Tensors, gains: Tensor | float) -> Tensors:
    """Every tensor times its own gain of [K], or all times one number or tensor without axes."""
    return _mapped(_each._foreach_mul, tree, _of_each(gains))


def divide(tree: Tensors, gains: Tensor) -> Tensors:
    """Every tensor divided by its own of [K] divisors."""
    return _mapped(_each._foreach_div, tree, _of_each(gains))


def tanh_(tree: Tensors) -> Tensors:
    """The hyperbolic tangent of every entry, in place."""
    if tree:
        _each._foreach_tanh_(_values(tree))
    return tree


def soft_(tree: Tensors) -> Tensors:
    """x / (1 + |x|) of every entry, in place."""
    if tree:
        below = _each._foreach_abs(_values(tree))
        _each._foreach_add_(below, 1.0)
        _each._foreach_div_(_values(tree), below)
    return tree


def cubic_(tree: Tensors) -> Tensors:
    """x - 4/27 x³ of every entry, in place: flat at ±1.5, where it is ±1."""
    if tree:
        cubes = _each._foreach_pow(_values(tree), 3)
        _each._foreach_add_(_values(tree), cubes, alpha=-4.0 / 27.0)
    return tree


def clamp_(tree: Tensors, limit: float) -> Tensors:
    """Every entry within ±limit, in place."""
    if tree:
        _each._foreach_clamp_min_(_values(tree), -limit)
        _each._foreach_clamp_max_(_values(tree), limit)
    return tree


def scale_(tree: Tensors, gains: Tensor | float) -> Tensors:
    """`scale` in place."""
    if tree:
        _each._foreach_mul_(_values(tree), _of_each(gains))
    return tree


def add(first: Tensors, second: Tensors, share: float = 1.0) -> Tensors:
    """first + share * second."""
    return _mapped(_each._foreach_add, first, _beside(first, second), alpha=share)


def add_(first: Tensors, second: Tensors, share: float = 1.0) -> Tensors:
    """`add` in place, to `first`."""
    if first:
        _each._foreach_add_(_values(first), _beside(first, second), alpha=share)
    return first


def subtract(first: Tensors, second: Tensors) -> Tensors:
    """first - second."""
    return _mapped(_each._foreach_sub, first, _beside(first, second))


def lerp(first: Tensors, second: Tensors, weight: float) -> Tensors:
    """first + weight * (second - first); at 0 and 1 the tree itself, and so its bits.

    A tensor that is the same object in both stays that object.
    """
    if weight in (0.0, 1.0):
        return second if weight else first
    apart = {name: x for name, x in first.items() if second[name] is not x}
    blended = _mapped(_each._foreach_lerp, apart, _beside(apart, second), weight)
    return {name: blended.get(name, x) for name, x in first.items()}


def zeros(tree: Tensors) -> dict[str, Tensor]:
    """Noughts of the same shapes."""
    return {name: torch.zeros_like(x) for name, x in tree.items()}


def filled(tree: Tensors, like: Tensors) -> Tensors:
    """`tree` with noughts for what it lacks of `like`; itself where it lacks nothing."""
    if tree.keys() == like.keys():
        return tree
    return {name: tree[name] if name in tree else torch.zeros_like(x) for name, x in like.items()}


def picked(tree: Tensors, names: Iterable[str]) -> dict[str, Tensor]:
    """The tensors of those names, in their order."""
    return {name: tree[name] for name in names}


def clone(tree: Tensors) -> dict[str, Tensor]:
    """The same values in memory of their own, laid out alike."""
    copies = {name: torch.empty_like(x) for name, x in tree.items()}
    write(copies, tree)
    return copies


def write(target: Tensors, source: Tensors) -> None:
    """Give the tensors of `target` the values that `source` has under their names, in place."""
    if not target:
        return
    try:
        _each._foreach_copy_(_values(target), _beside(target, source))
    except NotImplementedError:  # of parted tensors (DTensor)
        for name, x in target.items():
            x.copy_(source[name])


def whole(tensor: Tensor) -> Tensor:
    """The tensor in one piece, where processes hold parts of it (a DTensor) and all ask for it."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def _values(tree: Tensors) -> list[Tensor]:
    return list(tree.values())


def _beside(first: Tensors, second: Tensors) -> list[Tensor]:
    return [second[name] for name in first]


def _of_each(gains: Tensor | float) -> Any:
    return gains.unbind() if isinstance(gains, Tensor) and gains.ndim else gains


def _stacked(scalars: list[Tensor]) -> Tensor:
    return whole(torch.stack(scalars)) if scalars else torch.zeros(0)


def _mapped(
    kernel: Callable[..., Any], tree: Tensors, *arguments: Any, **more: Any
) -> dict[str, Tensor]:
    if not tree:
        return {}
    return dict(zip(tree, kernel(_values(tree), *arguments, **more), strict=True))

"""A team of processes that part the tensors of a run among them, by torch's FSDP2 and DTensor."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Shard, zeros

from audition.errors import AuditionError
from audition.parallel.ranks import Ranks
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors


class Shards(Ranks):
    """The processes of torch's process group; tensors are parted along their first dimension."""

    sharded = True

    def __init__(self, device: str) -> None:
        super().__init__()
        self.mesh = init_device_mesh(device, (self.size,))

    def spread(self, model: nn.Module) -> None:
        """A layer is gathered alone: each entry of a list of modules, then the rest of the model."""
        for module in reversed([*model.modules()]):  # the inner ones first
            # A layer may stand in several places of a list.
            for layer in dict.fromkeys(module) if isinstance(module, nn.ModuleList) else ():
                if any(True for _ in layer.parameters()):
                    fully_shard(layer, mesh=self.mesh, reshard_after_forward=True)
        fully_shard(model, mesh=self.mesh, reshard_after_forward=True)

    @contextmanager
    def whole(self, model: nn.Module) -> Iterator[None]:
        """Gather every layer once, so that forward passes need no other process."""
        layers = [each for each in model.modules() if isinstance(each, FSDPModule)]
        for layer in layers:
            layer.set_reshard_after_forward(False, recurse=False)
            layer.unshard()
        try:
            yield
        finally:
            for layer in layers:
                layer.set_reshard_after_forward(True, recurse=False)
                layer.reshard()

    def check(self, params: Tensors, step: int) -> None:
        # No weight is held twice, so that only the step can be compared.
        most, least = self._largest(torch.tensor([step, -step])).tolist()
        if most != -least:
            raise AuditionError(
                f"the {self.size} processes of this run are at different steps ({-least} and {most})"
            )

    def _mean(self, gradient: Gradient) -> Gradient:
        """FSDP2 has averaged the gradients in the backward pass."""
        terms = super()._mean(replace(gradient, grads={})).terms
        return replace(gradient, terms=terms)


SHARD, ITEM = "shard", "/"
"""The mark of a part that was taken out of a tree, and what joins the keys of its name."""


def taken_out(tree: Any, found: dict[str, Any], name: str = "") -> Any:
    """`tree` of dicts, lists and tuples without its parted tensors, which `found` gets by name.

    In their place stands what `put_back` needs: the mark, the name, shape and dtype.
    """
    if isinstance(tree, DTensor):
        if tree.placements != (Shard(0),):
            raise AuditionError(
                f"'{name}' is parted as {tree.placements}, which no checkpoint holds"
            )
        found[name] = tree.detach()
        return (SHARD, name, tuple(tree.shape), tree.dtype)
    if isinstance(tree, dict):
        return {k: taken_out(v, found, f"{name}{ITEM}{k}") for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(taken_out(v, found, f"{name}{ITEM}{i}") for i, v in enumerate(tree))
    return tree


def put_back(tree: Any, team: Shards, found: dict[str, Any]) -> Any:
    """What `taken_out` was given, with parted tensors of zeros, which `found` gets by name."""
    if isinstance(tree, tuple) and tree and tree[0] == SHARD:
        _, name, shape, dtype = tree
        found[name] = zeros(shape, dtype=dtype, device_mesh=team.mesh, placements=[Shard(0)])
        return found[name]
    if isinstance(tree, dict):
        return {k: put_back(v, team, found) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(put_back(v, team, found) for v in tree)
    return tree

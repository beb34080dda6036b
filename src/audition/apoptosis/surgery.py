"""The only file that rewrites weights: rows, biases, columns and optimizer moments together."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from audition.recipe.turnover import Transplant


@torch.no_grad()
def operate(model: nn.Module, optimizer: Optimizer, transplants: Iterable[Transplant]) -> None:
    """Write `transplants` into the model and zero the optimizer's moments of what was rewritten.

    Rows and columns that no transplant names keep their bits, in weights and in moments.
    """
    for transplant in transplants:
        layer, units = transplant.layer, transplant.units
        up = model.get_parameter(f"{layer}.up.weight")  # [H, C]
        down = model.get_parameter(f"{layer}.down.weight")  # [C, H]
        _write(optimizer, up, (units,), transplant.rows)
        if transplant.biases is not None:
            _write(optimizer, model.get_parameter(f"{layer}.up.bias"), (units,), transplant.biases)
        _write(optimizer, down, (slice(None), units), transplant.columns)
        if transplant.rescaled is not None and transplant.rescaled_columns is not None:
            where = (slice(None), transplant.rescaled)
            _write(optimizer, down, where, transplant.rescaled_columns)


def _write(
    optimizer: Optimizer, weight: Tensor, where: tuple[slice | Tensor, ...], values: Tensor
) -> None:
    weight[where] = values
    for moment in optimizer.state.get(weight, {}).values():
        # Step counters and other scalars have another shape and stay.
        if isinstance(moment, Tensor) and moment.shape == weight.shape:
            moment[where] = 0.0

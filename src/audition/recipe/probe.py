"""The access of a strategy to the model: forward passes over training text, each of them counted."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

import torch
from torch import Tensor, nn

from audition.recipe.batches import Batch
from audition.recipe.problem import Cost
from audition.recipe.units import Units, sites


class Probe:
    """Runs the model for a strategy, which is given neither the model nor the data.

    The text is `Batches.probe`, training text that no step trains on; held-out text is not within
    reach. Passes are made in evaluation mode, so they draw nothing from dropout's generator. Each
    adds its rows, as a share of a step's batch, to `cost`, once for every process that makes it.

    Args:
        model: of the run, only read.
        text: number -> a batch of training text.
        rows: of a step's batch, of all processes.
        processes: that make every pass, each for itself.
        context: of a forward pass, as in training.

    Examples:
        One pass over a batch of two rows, where a step's batch has four: half a pass is counted.

        >>> import torch
        >>> from audition import Batch, Probe
        >>> rows = Batch(torch.ones(2, 4), torch.tensor([0, 1]), torch.arange(2), torch.zeros(2))
        >>> probe = Probe(torch.nn.Linear(4, 10), text=lambda number: rows, rows=4)
        >>> probe.outputs(0).shape, probe.cost
        (torch.Size([2, 10]), Cost(forward=0.5, backward=0.0))
    """

    def __init__(
        self,
        model: nn.Module,
        text: Callable[[int], Batch],
        *,
        rows: int,
        processes: int = 1,
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._model, self._text, self._context = model, text, context
        self._share = processes / rows
        self._seen: dict[int, tuple[Mapping[str, Tensor], Mapping[str, Tensor]]] = {}
        self.cost = Cost()

    @cached_property
    def sites(self) -> Mapping[str, Units]:
        """Every module that has units, by its qualified name, as it is before this step's events."""
        return sites(self._model)

    def batch(self, number: int) -> Batch:
        """A batch of training text: the same for the same number, and free."""
        return self._text(number)

    def outputs(self, number: int) -> Tensor:
        """What the model makes of `batch(number)`: one counted pass."""
        batch = self._text(number)
        training = self._model.training
        self._model.eval()
        try:
            with torch.no_grad(), self._context():
                outputs: Tensor = self._model(batch.inputs)
        finally:
            self._model.train(training)
            self.cost += Cost(forward=batch.rows * self._share)
        return outputs

    def activations(self, number: int) -> Mapping[str, Tensor]:
        """Site -> its units' activations on `batch(number)`, [B, ..., H].

        One counted pass serves all sites, and every further request for that number after the same
        step. A site without `Units.read_by` is left out.
        """
        return self._measured(number)[0]

    def inputs(self, number: int) -> Mapping[str, Tensor]:
        """Site -> what its activation function is given on `batch(number)`, [B, ..., H].

        By the same pass as `activations`. A site without `Units.made_by` is left out.
        """
        return self._measured(number)[1]

    def _measured(self, number: int) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        if number in self._seen:
            return self._seen[number]
        read: dict[str, Tensor] = {}
        made: dict[str, Tensor] = {}

        def keep_read(site: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
            return lambda module, inputs: read.update({site: inputs[0]})

        def keep_made(site: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
            return lambda module, inputs, output: made.update({site: output})

        hooks = []
        for name, units in self.sites.items():
            if units.read_by:
                module = self._model.get_submodule(units.read_by)
                hooks.append(module.register_forward_pre_hook(keep_read(name)))
            if units.made_by:
                module = self._model.get_submodule(units.made_by)
                hooks.append(module.register_forward_hook(keep_made(name)))
        try:
            self.outputs(number)
        finally:
            for hook in hooks:
                hook.remove()
        self._seen[number] = (read, made)
        return self._seen[number]

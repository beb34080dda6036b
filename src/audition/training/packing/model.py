"""The models of several runs as one: the loss of all of them in one call.

Shape suffix: S runs.
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.func import functional_call, vmap

from audition.recipe.batches import Batch, Clock
from audition.recipe.problem import Loss, Predict, ask
from audition.recipe.signals import Tensors


class PackedModel(nn.Module):
    """A model, and the weights of S runs of it.

    Args:
        member: the model of any of the runs; its own weights are not used.
        own: the module of the loss of that run, where it has one.
        weights: the parameters and the buffers that a checkpoint keeps, by the session's names,
            each with a leading axis [S]. Other buffers are constants, the same for all runs.
    """

    def __init__(self, member: nn.Module, own: nn.Module | None, weights: Tensors) -> None:
        super().__init__()
        self.loss = _Asked(member, own)
        self.stacked = {_inside(name, own): tensor for name, tensor in weights.items()}

    def terms(self, loss: Loss, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        """The terms of `loss`, [S] each, of every run on its own rows."""

        def of_one(weights: dict[str, Tensor], fields: dict[str, Tensor]) -> Mapping[str, Tensor]:
            found: Mapping[str, Tensor] = functional_call(
                self.loss, weights, (loss, Batch(**fields), clock)
            )
            return found

        fields = {name: value for name, value in vars(batch).items() if value is not None}
        terms: Mapping[str, Tensor] = vmap(of_one)(self.stacked, fields)
        return terms


class PackedLoss(Loss):
    """`loss` of S runs: the terms that it gives have an axis [S]."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def __call__(self, predict: Predict, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        assert isinstance(predict.model, PackedModel)
        return predict.model.terms(self.loss, batch, clock)


class _Asked(nn.Module):
    """A loss of a model as a module, so that all its weights can be replaced for one call."""

    def __init__(self, model: nn.Module, own: nn.Module | None) -> None:
        super().__init__()
        self.model, self.own = model, own
        # Made here and not in `forward`: torch 2.11 cannot compile the making of a dataclass there.
        self.predict = Predict(model, own)

    def forward(self, loss: Loss, batch: Batch, clock: Clock) -> Mapping[str, Tensor]:
        return ask(loss, self.predict, batch, clock)


def _inside(name: str, own: nn.Module | None) -> str:
    """A session's name of a weight as `_Asked` has it."""
    if own is not None and name.startswith("loss."):
        return f"own.{name.removeprefix('loss.')}"
    return f"model.{name}"

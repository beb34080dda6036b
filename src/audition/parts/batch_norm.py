"""Batch norm whose statistics for evaluation belong to the weights that are evaluated.

Shape suffixes: B rows of a batch, C channels, H height, W width.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audition.parts.initial import Constant, parameter
from audition.recipe.batches import Batches, Clock

RECENT = 16
"""Batches that the statistics of an evaluation are taken from: those of the steps just made."""


class BatchNorm(nn.Module):
    """Norms each channel of [B, C, H, W] over a batch (Ioffe & Szegedy 2015).

    In training the statistics are the batch's own and nothing is kept: no pass moves a buffer, so a
    closed step, a probe and a second pass of a rule leave no trace. In evaluation they are what
    `settle` last found, for the weights that are evaluated, averaged ones too (Wu & Johnson 2021,
    "precise" statistics); 0 and 1 before the first evaluation. Both buffers are saved with a run.

    Args:
        channels: of the input.
        gain: whether there is a gain beside the bias.
        epsilon: added to a variance.
    """

    whole: ClassVar[str] = "batch norm takes its statistics from a batch as a whole"
    """Why a batch must not be cut in pieces."""

    def __init__(self, channels: int, *, gain: bool = True, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.weight = parameter(channels, init=Constant(1.0), role="vector") if gain else None
        self.bias = parameter(channels, init=Constant(0.0), role="vector")
        self.epsilon = epsilon
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = (None, None) if self.training else (self.mean, self.variance)
        return F.batch_norm(
            x, mean, variance, self.weight, self.bias, self.training, 0.0, self.epsilon
        )


def norms_of(model: nn.Module) -> list[BatchNorm]:
    """Every batch norm of a model."""
    return [module for module in model.modules() if isinstance(module, BatchNorm)]


def recent(batches: Batches, clock: Clock) -> Iterator[Tensor]:
    """Inputs of the last steps before `clock`; of the first ones where none was made yet."""
    first = max(0, clock.step - RECENT)
    for step in range(first, max(clock.step, 1)):
        yield batches.train(replace(clock, step=step)).inputs


def settle(
    model: nn.Module,
    inputs: Iterable[Tensor],
    context: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> int:
    """Write the mean statistics over batches of `inputs` into every batch norm of `model`.

    Variances are unbiased, as torch's running ones. Without batch norms no batch is asked for.
    Returns the number of passes. Dropout stays off, and nothing but the buffers changes.
    """
    norms = norms_of(model)
    if not norms:
        return 0
    passes, training = 0, model.training
    sums = {norm: torch.zeros(2, *norm.mean.shape, device=norm.mean.device) for norm in norms}
    model.eval()
    with torch.no_grad(), _noting(sums):
        for norm in norms:
            norm.training = True
        for batch in inputs:
            with context():
                model(batch.to(norms[0].mean.device))
            passes += 1
    model.train(training)
    for norm, total in sums.items():
        norm.mean.copy_(total[0] / passes)
        norm.variance.copy_(total[1] / passes)
    return passes


@contextmanager
def _noting(sums: dict[BatchNorm, Tensor]) -> Iterator[None]:
    """Add mean and variance of what each norm is given to `sums`, [2, C]."""

    def note(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, BatchNorm)
        variance, mean = torch.var_mean(given[0].float(), (0, 2, 3))
        sums[norm] += torch.stack([mean, variance])

    hooks = [norm.register_forward_pre_hook(note) for norm in sums]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()

"""The loss: nats per token, as in the formula."""

import math

import pytest
import torch
from torch import nn

from audition.parts.loss import CrossEntropy
from audition.recipe.signals import Batch


class Fixed(nn.Module):
    """Gives every token the same two logits, so that p = (1/4, 3/4)."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits = torch.tensor([1.0, 3.0]).log()
        return (
            logits.expand(*inputs.shape, 2).bfloat16()
            if inputs.sum()
            else logits.expand(*inputs.shape, 2)
        )


BATCH = Batch(torch.zeros(1, 4, dtype=torch.int64), torch.tensor([[0, 1, 1, 1]]), torch.tensor([0]))
A, B = math.log(4), math.log(4 / 3)


@pytest.mark.parametrize(
    ("smoothing", "expected"),
    [(0.0, (A + 3 * B) / 4), (0.2, 0.8 * (A + 3 * B) / 4 + 0.2 * (A + B) / 2)],
)
def test_cross_entropy_by_hand(smoothing, expected):
    terms = CrossEntropy(label_smoothing=smoothing)(Fixed(), BATCH)
    assert list(terms) == ["cross_entropy"]
    assert terms["cross_entropy"].item() == pytest.approx(expected, rel=1e-6)


def test_narrow_logits_are_summed_in_float32():
    batch = Batch(torch.ones(1, 4, dtype=torch.int64), BATCH.targets, BATCH.documents)
    assert CrossEntropy()(Fixed(), batch)["cross_entropy"].dtype == torch.float32

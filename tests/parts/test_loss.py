"""The loss: nats per token, as in the formula."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from audition.parts.loss.cross_entropy import CrossEntropy
from audition.recipe.batches import Batch, Clock
from audition.recipe.problem import Predict


class Fixed(nn.Module):
    """Gives every token the same two logits, so that p = (1/4, 3/4)."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits = torch.tensor([1.0, 3.0]).log()
        return (
            logits.expand(*inputs.shape, 2).bfloat16()
            if inputs.sum()
            else logits.expand(*inputs.shape, 2)
        )


BATCH = Batch(
    torch.zeros(1, 4, dtype=torch.int64),
    torch.tensor([[0, 1, 1, 1]]),
    torch.tensor([0]),
    torch.tensor([0]),
)
A, B = math.log(4), math.log(4 / 3)


@pytest.mark.parametrize(
    ("smoothing", "expected"),
    [(0.0, (A + 3 * B) / 4), (0.2, 0.8 * (A + 3 * B) / 4 + 0.2 * (A + B) / 2)],
)
def test_cross_entropy_by_hand(smoothing, expected):
    terms = CrossEntropy(label_smoothing=smoothing)(Predict(Fixed()), BATCH, Clock(0))
    assert list(terms) == ["cross_entropy"]
    assert terms["cross_entropy"].item() == pytest.approx(expected, rel=1e-6)


def test_narrow_logits_are_summed_in_float32():
    batch = replace(BATCH, inputs=torch.ones(1, 4, dtype=torch.int64))
    assert CrossEntropy()(Predict(Fixed()), batch, Clock(0))["cross_entropy"].dtype == torch.float32


def test_smoothing_is_spread_over_the_allowed_answers_alone():
    class Three(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return torch.tensor([1.0, 3.0, 1e3]).log().expand(len(inputs), 3)

    rows = torch.zeros(2, dtype=torch.int64)
    allowed = torch.tensor([[True, True, False]] * 2)
    batch = Batch(torch.zeros(2, 1), torch.tensor([0, 1]), rows, rows, allowed)
    loss = CrossEntropy(label_smoothing=0.2)(Predict(Three()), batch, Clock(0))["cross_entropy"]
    assert loss.item() == pytest.approx(0.8 * (A + B) / 2 + 0.2 * (A + B) / 2, rel=1e-6)

"""Dropout: its rate follows the gain everywhere, and never compounds."""

import pytest
import torch
from tests.parts.models import make
from torch import nn
from torch.nn import functional as F

from audition.parts.dropout import HIGHEST, Dropout, set_dropout_gain


def rates(model: nn.Module) -> set[float]:
    return {m.rate for m in model.modules() if isinstance(m, Dropout)}


def test_gains_are_relative_to_the_configured_rate():
    model = make(dropout=0.2)
    model.blocks[0].stock = nn.Dropout(0.4)
    for _ in range(100):
        set_dropout_gain(model, 0.5)
        set_dropout_gain(model, 0.25)
    assert rates(model) == {0.05}
    assert model.blocks[0].stock.p == pytest.approx(0.1)
    set_dropout_gain(model, 1.0)
    assert rates(model) == {0.2}
    set_dropout_gain(model, 100.0)
    assert rates(model) == {HIGHEST}
    set_dropout_gain(model, 0.0)
    assert rates(model) == {0.0}
    set_dropout_gain(model, 1.0)
    assert rates(model.eval()) == {0.0}


@pytest.mark.parametrize("attention", ["causal", "grouped", "sliding"])
def test_attention_itself_is_told_the_rate(attention, monkeypatch):
    told = []
    attend = F.scaled_dot_product_attention

    def spy(*args, dropout_p, **settings):
        told.append(dropout_p)
        return attend(*args, dropout_p=dropout_p, **settings)

    monkeypatch.setattr(F, "scaled_dot_product_attention", spy)
    model, tokens = make(attention, dropout=0.2), torch.randint(11, (1, 12))
    model(tokens)
    set_dropout_gain(model, 0.5)
    model(tokens)
    model.eval()(tokens)
    assert told == [0.2, 0.2, 0.1, 0.1, 0.0, 0.0]


def test_the_gain_changes_training_and_leaves_evaluation():
    model, tokens = make(dropout=0.2), torch.randint(11, (2, 12))

    def logits(seed: int = 0) -> torch.Tensor:
        torch.manual_seed(seed)
        return model(tokens)

    full, calm = logits(), model.eval()(tokens)
    model.train()
    assert not torch.equal(full, logits(seed=1))
    set_dropout_gain(model, 0.5)
    assert not torch.equal(full, logits())
    assert torch.equal(calm, model.eval()(tokens))
    model.train()
    set_dropout_gain(model, 0.0)
    assert torch.allclose(calm, logits(), atol=1e-6)


def test_no_dropout_draws_nothing():
    model = make()
    torch.manual_seed(5)
    model(torch.randint(11, (2, 12), generator=torch.Generator().manual_seed(0)))
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))


def test_an_unchanged_gain_does_not_even_look_at_the_model():
    class Closed(nn.Module):
        def modules(self):
            raise AssertionError("walked over the model")

    set_dropout_gain(Closed(), 1.0)

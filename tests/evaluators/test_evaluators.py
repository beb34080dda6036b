"""Evaluators against sums done by hand, on logits that a test writes down."""

import math
from types import SimpleNamespace

import pytest
import torch

from audition.errors import AuditionError
from audition.evaluators.calibration import Calibration
from audition.evaluators.classes import Classes
from audition.evaluators.top_k import TopK
from audition.evaluators.words import Marks, Words
from audition.recipe.batches import Batch
from audition.recipe.problem import Predict
from audition.training.evaluation import HeldOutRows, measured

P = torch.tensor([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]])
TARGETS = torch.tensor([0, 0, 1, 1])


class Written(torch.nn.Module):
    """Gives each row the logits that its number names."""

    def forward(self, inputs):
        return P.log()[inputs[:, 0].long()]


def rows(at_once=None):
    def held_out(many):
        for part in torch.arange(4).split(at_once or 4):
            yield Batch(part[:, None].float(), TARGETS[part], part, torch.zeros_like(part))

    return HeldOutRows(Predict(Written()), SimpleNamespace(held_out=held_out, domains=()))


@pytest.mark.parametrize("at_once", [1, 3, 4])
def test_classes_by_hand(at_once):
    found = Classes()(rows(at_once))
    assert found["accuracy"] == 50.0
    assert found["loss"] == pytest.approx(-sum(map(math.log, (0.7, 0.4, 0.3, 0.9))) / 4, rel=1e-6)


@pytest.mark.parametrize(("k", "expected"), [(1, 50.0), (2, 100.0), (3, 100.0), (9, 100.0)])
def test_top_k_by_hand(k, expected):
    # Row 2 has its answer among two equal runners-up, the first of which topk takes or not.
    found = TopK(k=k)(rows())["accuracy"]
    assert found == expected or (k == 2 and found == 75.0)


def test_calibration_by_hand():
    # Bins of ten: .4 wrong | .5 wrong | .7 right | .9 right.
    expected = (0.4 + 0.5 + (1 - 0.7) + (1 - 0.9)) / 4
    assert Calibration(bins=10)(rows(3))["error"] == pytest.approx(expected, rel=1e-6)
    # One bin: half are right, and the mean confidence is .625.
    assert Calibration(bins=1)(rows())["error"] == pytest.approx(0.125, rel=1e-6)


def test_a_value_that_is_no_number_is_refused_by_name():
    with pytest.raises(AuditionError, match=r"evaluator 'odd' returned size='large', which is not"):
        measured({"odd": lambda held_out: {"size": "large"}}, rows())


def test_the_model_is_put_back_into_training_even_after_an_error():
    question = rows()
    question.predict.model.train()
    with pytest.raises(AuditionError):
        measured({"odd": lambda held_out: {"size": None}}, question)
    assert question.predict.model.training


TEXTS = (" the", "the", " ", "cat", "\n", " \n", "a b", "\ufffd", "\n\n")


def test_words_are_those_of_the_text_at_whitespace_whatever_the_tokens():
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(len(TEXTS), (200, 13), generator=generator)
    counted = Marks(TEXTS, "cpu")
    for row in ids:
        said = [TEXTS[i] for i in row.tolist()]
        whole = "".join(said)
        expected = len(whole.split()) + whole.count("\n")
        expected -= len(said[0].split()) + said[0].count("\n")  # it is predicted by nothing
        assert counted.count(row[None, :-1], row[None, 1:]) == expected


def test_a_perplexity_per_word_of_a_model_that_knows_nothing():
    """Each token costs ln V, so exp(tokens ln V / words) is V to the tokens of a word."""
    ids = torch.tensor([[3, 0, 2, 1, 4, 6]])  # "cat| the| |the|\n|a b": the the end a b
    batch = Batch(ids[:, :-1], ids[:, 1:], torch.zeros(1), torch.zeros(1))
    batches = SimpleNamespace(token_texts=lambda: TEXTS, domains=())
    held_out = SimpleNamespace(
        batches=batches,
        device="cpu",
        passes=lambda: [(batch, torch.zeros(1, 5, len(TEXTS)))],
        sum=lambda totals: totals,
    )
    assert Words()(held_out)["perplexity"] == pytest.approx(len(TEXTS) ** (5 / 5))
    half = SimpleNamespace(
        **{**vars(held_out), "sum": lambda totals: totals * torch.tensor([2, 1])}
    )
    assert Words()(half)["perplexity"] == pytest.approx(len(TEXTS) ** 2)
    with pytest.raises(AuditionError, match="this data has no text"):
        Words()(rows())

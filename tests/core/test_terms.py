"""Terms that modules add to the loss: trained with whatever the loss is, and evaluated with none."""

from dataclasses import replace

import pytest
import torch

from audition.parts.loss.cross_entropy import CrossEntropy
from audition.recipe.gradient import backward, in_halves
from audition.recipe.problem import Predict, ask
from audition.recipe.terms import add_term, added_terms
from audition.training.evaluation import evaluate
from audition.training.packing.batches import packed
from audition.training.packing.model import PackedLoss, PackedModel


@pytest.fixture
def pulled(session_of):
    """A run whose feed-forward maps each add a term; without it, the same run."""

    def made(*overrides, pull=True):
        job, session = session_of(*overrides)
        for block in session.model.blocks if pull else ():
            block.feedforward.register_forward_hook(
                lambda module, inputs, y: add_term("small", 0.1 * y.square().mean())
            )
        return job, session

    return made


def test_the_same_name_is_summed_and_nobody_need_listen():
    add_term("unheard", torch.tensor(1.0))
    with added_terms() as outer:
        add_term("a", torch.tensor(1.0))
        with added_terms() as inner:
            add_term("a", torch.tensor(5.0))
        add_term("a", torch.tensor(2.0))
        add_term("b", torch.tensor(4.0))
    assert outer == {"a": 3.0, "b": 4.0}
    assert inner == {"a": 5.0}
    with pytest.raises(ZeroDivisionError), added_terms():
        1 / 0  # noqa: B018
    add_term("unheard", torch.tensor(1.0))
    with added_terms() as later:
        pass
    assert later == {}


def test_a_term_of_the_same_name_as_one_of_the_loss_is_added_to_it():
    class Both(torch.nn.Linear):
        def forward(self, x):
            add_term("cross_entropy", torch.tensor(10.0))
            return super().forward(x)

    def loss(predict, batch, clock):
        return {"cross_entropy": predict.model(torch.zeros(1, 1)).sum() * 0 + 1.0}

    assert ask(loss, Predict(Both(1, 1)), None, None)["cross_entropy"] == 11.0


@pytest.mark.parametrize("chunk", ["off", 7])
def test_terms_are_trained_with_and_evaluated_without(pulled, problem_of, close, chunk):
    problem = replace(problem_of(), loss=CrossEntropy(chunk=chunk))
    job, session = pulled()
    heard = replace(problem, model=session.model, params=session.params)
    found, plain = backward(heard), backward(problem)
    assert list(found.terms) == ["cross_entropy", "small"]
    assert found.terms["cross_entropy"] == plain.terms["cross_entropy"]
    assert found.terms["small"] > 0
    assert not close(found.grads, plain.grads)
    _, without = pulled(pull=False)
    clock = problem.clock
    assert evaluate(job, session, clock).metrics == evaluate(job, without, clock).metrics


def test_pieces_and_halves_have_the_mean_of_their_terms(pulled, problem_of):
    _, session = pulled()
    whole = replace(problem_of(), model=session.model, params=session.params)
    expected = backward(whole).terms["small"]
    torch.testing.assert_close(backward(replace(whole, micro_batches=2)).terms["small"], expected)
    torch.testing.assert_close(in_halves(backward)(whole).terms["small"], expected)


def test_each_run_of_a_pack_has_its_own(pulled, problem_of):
    problem, (_, session) = problem_of(), pulled()
    scaled = {name: torch.stack([p, 0.5 * p]) for name, p in session.params.items()}
    model = PackedModel(session.model, None, scaled)
    batch = packed([problem.batch, problem.batch])
    terms = ask(PackedLoss(problem.loss), Predict(model), batch, problem.clock)
    assert list(terms) == ["cross_entropy", "small"]
    assert terms["small"].shape == (2,)
    own = ask(problem.loss, Predict(session.model), problem.batch, problem.clock)
    torch.testing.assert_close(terms["small"][0], own["small"])
    assert terms["small"][1] < own["small"]

"""The plain rule against autograd, in pieces and in halves."""

from dataclasses import replace

import pytest
import torch

from audition.errors import AuditionError
from audition.recipe.gradient import backward, in_halves, sum_of
from audition.recipe.problem import Cost, Gradient, Loss


def reference(problem):
    """The gradient by torch.autograd.grad of the mean loss of the whole batch."""
    loss = problem.terms(problem.batch)["cross_entropy"]
    grads = torch.autograd.grad(loss, list(problem.params.values()))
    return loss.detach(), dict(zip(problem.params, grads, strict=True))


@pytest.mark.parametrize("pieces", [1, 2, 4])
def test_is_the_gradient_of_the_mean_loss(problem_of, close, pieces):
    problem = problem_of(micro_batches=pieces)
    loss, grads = reference(problem)
    found = backward(problem)
    assert close(found.grads, grads)
    assert torch.allclose(found.terms["cross_entropy"], loss, atol=1e-6)
    assert found.cost == Cost(1.0, 1.0)
    assert not found.closed


def test_hands_over_the_fields_and_leaves_them_empty(problem_of):
    problem = problem_of()
    found = backward(problem)
    assert all(p.grad is None for p in problem.params.values())
    again = backward(problem)
    for name in found.grads:
        assert torch.equal(found.grads[name], again.grads[name])
        assert found.grads[name] is not again.grads[name]


def test_sums_every_term(problem_of, close):
    problem = problem_of()

    class TwoTerms(Loss):
        def __call__(self, predict, batch, clock):
            loss = problem.loss(predict, batch, clock)["cross_entropy"]
            return {"half": 0.5 * loss, "more": 1.5 * loss}

    doubled = backward(replace(problem, loss=TwoTerms()))
    plain = backward(problem)
    assert close(doubled.grads, {n: 2 * g for n, g in plain.grads.items()})
    assert list(doubled.terms) == ["half", "more"]
    assert not doubled.terms["half"].requires_grad


def test_a_parameter_that_is_not_used_has_no_gradient(problem_of):
    problem = problem_of()
    problem.params["embedding.weight"].requires_grad_(False)
    assert "embedding.weight" not in backward(problem).grads


def test_sum_of():
    assert sum_of(torch.tensor([1.0, 2.0, 4.0]).unbind()).item() == 7.0


@pytest.mark.parametrize("pieces", [1, 2, 4])
def test_halves_are_gradients_of_the_halves(problem_of, close, pieces):
    problem = problem_of(micro_batches=pieces)
    found = in_halves(backward)(problem)
    for half, grads in zip(problem.batch.split(2), found.halves, strict=True):
        assert close(grads, reference(replace(problem, batch=half))[1])
    loss, grads = reference(problem)
    assert close(found.grads, grads)
    assert torch.allclose(found.terms["cross_entropy"], loss, atol=1e-6)
    assert found.cost == Cost(1.0, 1.0)


def test_halves_of_an_odd_batch_are_refused(problem_of):
    problem = problem_of("data.batch_size=5")
    with pytest.raises(AuditionError, match="5 rows cannot be split into 2"):
        in_halves(backward)(problem)


def test_halves_are_closed_where_one_is(problem_of):
    problem = problem_of()
    answers = iter([False, True])

    def rule(half):
        found = backward(half)
        closed = Gradient({}, found.terms, Cost(1.0), closed=True)
        return closed if next(answers) else found

    found = in_halves(rule)(problem)
    assert found.closed
    assert (found.grads, found.halves) == ({}, ())
    assert found.cost == Cost(1.0, 0.5)

"""Estimates of curvature against `torch.func.hessian`, and Sophia's step against its algorithm."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn
from torch.func import functional_call, hessian
from torch.nn import functional as F

from audition.parts.loss.cross_entropy import CrossEntropy
from audition.parts.optim.sophia import Sophia
from audition.parts.stepping import curvature
from audition.parts.stepping.curvature import Curvature, draw, hessian_product, hutchinson
from audition.recipe.batches import Batch, Clock
from audition.recipe.gradient import backward, in_halves
from audition.recipe.problem import Cost, Problem
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.training.loop import train

# Forward-mode differentiation of torch.func compiles its decompositions with it.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")


def problem_of(model, rows=2, classes=3):
    generator = torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=generator)
    inputs = torch.randn(rows, 2, generator=generator)
    targets = torch.randint(classes, (rows,), generator=generator)
    batch = Batch(inputs, targets, torch.arange(rows), torch.zeros(rows))
    return Problem(model, dict(model.named_parameters()), CrossEntropy(), batch)


def curved():
    return problem_of(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3)))


def exact(problem):
    """The Hessian over all weights, [n, n], in doubles."""
    sizes = {name: p.shape for name, p in problem.params.items()}
    flat = torch.cat([p.detach().double().flatten() for p in problem.params.values()])
    model = problem.model.double()

    def loss(flat):
        pieces = flat.split([shape.numel() for shape in sizes.values()])
        weights = {n: x.view(s) for (n, s), x in zip(sizes.items(), pieces, strict=True)}
        logits = functional_call(model, weights, (problem.batch.inputs.double(),))
        return F.cross_entropy(logits, problem.batch.targets)

    found = hessian(loss)(flat)
    model.float()
    return found


def joined(tree):
    return torch.cat([x.flatten() for x in tree.values()]).double()


def test_products_are_those_with_the_hessian():
    problem = curved()
    matrix, generator = exact(problem), torch.Generator().manual_seed(2)
    for _ in range(3):
        along = {n: torch.randn(p.shape, generator=generator) for n, p in problem.params.items()}
        before = {n: p.detach().clone() for n, p in problem.params.items()}
        found, cost = hessian_product(backward, problem, along)
        torch.testing.assert_close(joined(found), matrix @ joined(along), rtol=5e-3, atol=5e-3)
        assert cost == Cost(2.0, 2.0)
        assert all(torch.equal(p, before[n]) for n, p in problem.params.items())


def test_hutchinsons_estimate_has_the_hessians_diagonal_for_its_mean():
    """Over every vector of signs there is, at a model of six weights."""
    problem = problem_of(nn.Linear(2, 3, bias=False))
    diagonal, total = exact(problem).diag(), torch.zeros(6).double()
    for signs in product((-1.0, 1.0), repeat=6):
        v = {"weight": torch.tensor(signs).view(3, 2)}
        total += joined(hessian_product(backward, problem, v)[0]) * joined(v)
    torch.testing.assert_close(total / 64, diagonal, rtol=1e-2, atol=1e-3)
    found, cost = hutchinson(backward, problem, torch.Generator().manual_seed(3))
    v = torch.randint(2, (3, 2), generator=torch.Generator().manual_seed(3)) * 2.0 - 1.0
    expected = (exact(problem) @ v.double().flatten()) * v.double().flatten()
    torch.testing.assert_close(joined(found), expected, rtol=1e-2, atol=1e-3)
    assert cost == Cost(2.0, 2.0)


def test_the_mean_over_drawn_answers_is_the_gauss_newton_diagonal(monkeypatch):
    """Of a linear model that is the Hessian's; over every answer that could be drawn."""
    problem = problem_of(nn.Linear(2, 3))
    chances = problem.model(problem.batch.inputs).softmax(-1).detach().double()
    total = 0.0
    for answers in product(range(3), repeat=2):
        given = torch.tensor(answers)
        monkeypatch.setattr(curvature, "drawn_targets", lambda *_, given=given: given)
        found, cost = curvature.gauss_newton(backward, problem, torch.Generator())
        total += joined(found) * chances[[0, 1], given].prod()
        assert cost == Cost(2.0, 1.0)
        assert all((x >= 0).all() for x in found.values())
    torch.testing.assert_close(total, exact(problem).diag(), rtol=1e-4, atol=1e-5)


def test_answers_are_drawn_as_often_as_the_model_gives_them():
    logits = torch.tensor([0.0, 1.0, -1.0, float("-inf")])
    n = 40_000
    piece = Batch(torch.zeros(n), torch.zeros(n, dtype=torch.int64), torch.zeros(n), torch.zeros(n))
    found = draw(logits.expand(n, 4), piece, torch.Generator().manual_seed(0))
    shares = found.bincount(minlength=4) / n
    torch.testing.assert_close(shares, logits.softmax(-1), rtol=0, atol=0.01)
    assert shares[3] == 0.0
    again = draw(logits.expand(n, 4), piece, torch.Generator().manual_seed(0))
    assert torch.equal(found, again)


@pytest.mark.parametrize("estimator", ["gauss_newton", "hutchinson"])
def test_measuring_leaves_the_step_as_it_was(estimator):
    """Dropout's masks too, and those that come after it."""
    problem = problem_of(nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 3)))

    def view(step):
        return View(Clock(step), Controls(), problem.params, Streams(0))

    effect, outcomes = Curvature(every=4, estimator=estimator), []
    for rule in (backward, effect.wrap_gradient(backward, None, view(4))[0]):
        torch.manual_seed(0)
        outcomes.append((rule(problem), torch.get_rng_state()))
    (plain, draws), (measured, after) = outcomes
    assert torch.equal(draws, after)
    assert all(torch.equal(plain.grads[n], g) for n, g in measured.grads.items())
    assert measured.curvature.keys() == measured.grads.keys()
    assert not plain.curvature
    assert effect.wrap_gradient(backward, None, view(3))[0] is backward


def test_halves_hand_on_the_mean_of_their_curvatures():
    problem = curved()

    def rule(problem):
        gradient = backward(problem)
        return replace(gradient, curvature={n: g * 2 for n, g in gradient.grads.items()})

    found = in_halves(rule)(problem)
    for name, grad in found.grads.items():
        torch.testing.assert_close(found.curvature[name], grad * 2)


def test_sophias_step_is_the_algorithms():
    start = torch.tensor([1.0, -2.0, 3.0, 0.5])
    params = {"w": nn.Parameter(start.clone())}
    policy = Sophia(lr=0.1, gamma=3.0, weight_decay=0.3, decay="all")
    optimizer, w, m, h = policy(params), start.double(), 0.0, 0.0
    generator = torch.Generator().manual_seed(0)
    for t in range(8):
        grad = torch.randn(4, generator=generator)
        params["w"].grad = grad.clone()
        if t % 3 == 0:
            estimate = 20.0 * torch.randn(4, generator=generator)  # of either sign
            optimizer.take_curvature({"w": estimate})
            h = 0.99 * h + 0.01 * estimate.double()
        optimizer.step()
        m = 0.96 * m + 0.04 * grad.double()
        ratio = m / (3.0 * h).clamp(min=1e-12)
        w = w * (1 - 0.1 * 0.3) - 0.1 * ratio.clamp(-1, 1)
        torch.testing.assert_close(params["w"].double(), w, rtol=1e-5, atol=1e-6)
    assert (h < 0).any()
    assert (ratio.abs() < 1).any()


def test_a_step_with_the_exact_diagonal_is_newtons():
    curved, goal = torch.tensor([4.0, 25.0, 0.5]), torch.tensor([0.3, -0.2, 0.1])
    params = {"w": nn.Parameter(torch.zeros(3))}
    optimizer = Sophia(lr=1.0, betas=(0.0, 0.0), gamma=1.0, weight_decay=0.0)(params)
    params["w"].grad = curved * (params["w"].detach() - goal)
    optimizer.take_curvature({"w": curved})
    optimizer.step()
    torch.testing.assert_close(params["w"].detach(), goal)


@pytest.mark.parametrize("estimator", ["gauss_newton", "hutchinson"])
def test_a_run_is_charged_for_its_estimates(job_of, estimator):
    passes = {"gauss_newton": (2.0, 1.0), "hutchinson": (2.0, 2.0)}[estimator]
    sophia = ("optimizer=sophia", "optimizer.every=4", f"optimizer.estimator={estimator}")
    session = train(job_of(*sophia)).session  # six steps: estimates at 0 and 4
    assert (session.cost.forward, session.cost.backward) == (6 + 2 * passes[0], 6 + 2 * passes[1])
    state = session.optimizer.state[session.params["blocks.0.feedforward.up.weight"]]
    assert state["hessian"].count_nonzero() > 0

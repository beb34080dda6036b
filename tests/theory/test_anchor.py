"""The statements of docs/theory/anchor.md, as mathematics: what an anchor is on quadratic losses."""

import numpy as np
import pytest
import torch

EYE = np.eye(4)


def spread(seed, low=0.2):
    """A symmetric matrix of positive eigenvalues, none of which are alike."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))
    return turn @ np.diag([low, 0.7, 1.5, 3.0]) @ turn.T


def minimum(a, b, strength=0.0, anchor=None):
    """Of wᵀaw/2 - bᵀw + strength/2 |w - anchor|²."""
    pull = 0.0 if anchor is None else strength * anchor
    return np.linalg.solve(a + strength * EYE, b + pull)


def test_an_anchor_that_stays_is_biased_by_the_formula():
    a, b, anchor, strength = spread(0), np.arange(4.0), np.full(4, 2.0), 0.3
    w = np.zeros(4)
    for _ in range(2_000):
        w = w - 0.2 * (a @ w - b + strength * (w - anchor))
    biased = minimum(a, b, strength, anchor)
    np.testing.assert_allclose(w, biased, atol=1e-12)
    assert np.linalg.norm(biased - minimum(a, b)) > 0.5


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_one_that_follows_leads_to_the_minimum(rate):
    """Its map a -> (1 - rate) a + rate (A + λI)⁻¹(b + λa) has the minimum for its one fixed point."""
    a, b, strength = spread(0), np.arange(4.0), 0.3
    anchor = np.full(4, 2.0)
    for _ in range(1_000):
        anchor = (1 - rate) * anchor + rate * minimum(a, b, strength, anchor)
    np.testing.assert_allclose(anchor, minimum(a, b), atol=1e-9)
    step = (1 - rate) * EYE + rate * strength * np.linalg.inv(a + strength * EYE)
    assert max(abs(np.linalg.eigvals(step))) < 1.0


def two_tasks(fisher):
    """The minima of the first task, and matrix and vector of the second."""
    first = np.array([1.0, -2.0, 0.5, 1.5])
    second, target = spread(3), np.array([-1.0, 0.3, 2.0, 0.7])
    return fisher, first, second, target


def sequential(fisher, first, second, target, precision):
    """The second task's minimum with 1/2 (w - first)ᵀ precision (w - first) on top."""
    return np.linalg.solve(second + precision, second @ target + precision @ first)


def joint(fisher, first, second, target):
    """The minimum of both tasks at once."""
    return np.linalg.solve(fisher + second, fisher @ first + second @ target)


def test_with_the_exact_fisher_it_is_joint_training():
    tasks = two_tasks(spread(1))
    np.testing.assert_allclose(sequential(*tasks, precision=tasks[0]), joint(*tasks), atol=1e-12)


def test_with_the_identity_it_is_that_where_the_fisher_is_isotropic_and_nowhere_else():
    alike = two_tasks(0.8 * EYE)
    np.testing.assert_allclose(sequential(*alike, precision=0.8 * EYE), joint(*alike), atol=1e-12)
    tasks = two_tasks(spread(1))
    strengths = np.geomspace(1e-3, 1e3, 400)

    def both(w):
        fisher, first, second, target = tasks
        return 0.5 * ((w - first) @ fisher @ (w - first) + (w - target) @ second @ (w - target))

    at_best = both(joint(*tasks))
    identity = min(both(sequential(*tasks, precision=x * EYE)) for x in strengths)
    forgetting = both(tasks[3])  # the second task's own minimum
    assert at_best < identity < forgetting
    assert 0.01 < (identity - at_best) / (forgetting - at_best) < 0.9


def grads(w):
    return torch.tensor([1.0, 4.0, 0.25]).double() * (w - torch.tensor([1.0, -1.0, 2.0]).double())


def adam(w, anchor, *, inside, strength=0.1, rate=0.01, steps=200):
    """Adam from `w`, with the pull inside its gradient, or decoupled from it."""
    w = w.clone()
    first, second = torch.zeros_like(w), torch.zeros_like(w)
    for n in range(1, steps + 1):
        g = grads(w) + (strength * (w - anchor) if inside else 0.0)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        move = (first / (1 - 0.9**n)) / ((second / (1 - 0.999**n)).sqrt() + 1e-8)
        pull = 0.0 if inside else rate * strength * (w - anchor)
        w = w - pull - rate * move
    return w


def test_taken_off_the_update_it_is_adamw_on_the_distance_and_inside_the_gradient_it_is_not():
    anchor = torch.tensor([0.5, 0.5, 0.5]).double()
    start = torch.tensor([2.0, 1.0, -1.0]).double()
    apart = torch.nn.Parameter(start - anchor)
    optimizer = torch.optim.AdamW([apart], lr=0.01, weight_decay=0.1, eps=1e-8, foreach=False)
    for _ in range(200):
        apart.grad = grads(apart.detach() + anchor)
        optimizer.step()
    decoupled = adam(start, anchor, inside=False)
    torch.testing.assert_close(decoupled, apart.detach() + anchor, rtol=0, atol=1e-12)
    assert (adam(start, anchor, inside=True) - decoupled).abs().max() > 0.01

"""Lookahead, cautious updates and SAM against their definitions, over optimizers of several kinds."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from audition.effects.cautious import Cautious
from audition.effects.lookahead import Lookahead
from audition.effects.sharpness_aware import SharpnessAware
from audition.observers.observer import Observer
from audition.parts.optim.adamw import AdamW
from audition.recipe import tree
from audition.recipe.batches import Batch, Clock
from audition.recipe.effect import Chain
from audition.recipe.gradient import backward
from audition.recipe.problem import Cost, Gradient, Loss, Problem
from audition.session import begin
from audition.training.evaluation import evaluate
from audition.training.loop import train


class Bowl(Loss):
    """½ wᵀ A w, of the model's own weights alone."""

    def __init__(self, curvature):
        self.curvature = curvature

    def __call__(self, predict, batch, clock):
        w = predict.model.weight.flatten()
        return {"bowl": 0.5 * w @ self.curvature @ w}


@pytest.fixture
def bowl():
    """A curvature [4, 4] and the problem of it at w = (1, 2, 3, 4)."""
    a = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    model = nn.Linear(4, 1, bias=False)
    model.weight.data = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    batch = Batch(torch.zeros(2, 4), torch.zeros(2), torch.arange(2), torch.zeros(2))
    curvature = a @ a.T
    return curvature, Problem(model, dict(model.named_parameters()), Bowl(curvature), batch)


def test_sam_is_the_gradient_uphill_and_costs_two_passes(bowl, view):
    curvature, problem = bowl
    w = problem.params["weight"].detach().clone()
    rule, _ = SharpnessAware(rho=0.3).wrap_gradient(backward, None, view(problem.params))
    found = rule(problem)
    g = curvature @ w.flatten()
    expected = curvature @ (w.flatten() + 0.3 * g / g.norm())
    torch.testing.assert_close(found.grads["weight"].flatten(), expected)
    assert found.cost == Cost(2.0, 2.0)
    assert found.terms["bowl"].item() == pytest.approx((0.5 * w.flatten() @ g).item())
    assert torch.equal(problem.params["weight"], w)


def test_sam_puts_the_weights_back_where_the_second_pass_fails(bowl, view):
    _, problem = bowl
    w, asked = problem.params["weight"].detach().clone(), []

    def failing(problem):
        asked.append(problem)
        return backward(problem) if len(asked) == 1 else 1 / 0

    rule, _ = SharpnessAware().wrap_gradient(failing, None, view(problem.params))
    with pytest.raises(ZeroDivisionError):
        rule(problem)
    assert torch.equal(problem.params["weight"], w)


def test_sam_asks_once_where_the_step_is_closed(bowl, view):
    def closed(problem):
        return Gradient({}, {}, Cost(1.0, 1.0), closed=True)

    rule, _ = SharpnessAware().wrap_gradient(closed, None, view(bowl[1].params))
    assert rule(bowl[1]) == closed(bowl[1])


def test_sam_of_radius_zero_and_lookahead_of_alpha_one_listen_to_nothing():
    assert not SharpnessAware(rho=0.0).moments()
    assert not Lookahead(alpha=1.0, every=1).moments()


@pytest.mark.parametrize(("every", "alpha"), [(1, 0.5), (3, 0.8)])
def test_lookahead_by_hand(view, every, alpha):
    effect, generator = Lookahead(every=every, alpha=alpha), torch.Generator().manual_seed(0)
    fast = {"w": torch.randn(5, generator=generator)}
    slow, state = fast["w"].clone(), effect.init(fast, None)
    for step in range(1, 8):
        fast = {"w": fast["w"] + torch.randn(5, generator=generator)}
        after, state = effect.on_weights(fast, state, view(fast))
        if step % every:
            assert after is fast
        else:
            slow = slow + alpha * (fast["w"] - slow)
            torch.testing.assert_close(after["w"], slow)
        fast = {"w": after["w"].clone()}
        seen = effect.on_evaluation(fast, state, view(fast))
        torch.testing.assert_close(seen["w"], slow)


class Diary(Observer):
    """The weights after every step."""

    def __init__(self):
        self.weights = []

    def on_step(self, session, report):
        self.weights.append(tree.clone({n: p.detach() for n, p in session.params.items()}))


@pytest.mark.parametrize("optimizer", ["muon", "lion"])
def test_lookahead_evaluates_the_weights_of_the_last_meeting(job_of, optimizer):
    job, diary = job_of(f"optimizer={optimizer}"), Diary()
    chain = Chain({"lookahead": Lookahead(every=4)})
    job = replace(job, recipe=replace(job.recipe, effects=chain))
    outcome = train(job, [diary])
    assert len(diary.weights) == 6
    plain = replace(job, recipe=replace(job.recipe, effects=Chain()))
    session = begin(plain.recipe, job.seed, "cpu")
    tree.write({n: p.data for n, p in session.params.items()}, diary.weights[3])
    expected = evaluate(plain, session, Clock(6, 6, 1.0)).metrics["val/loss"]
    assert outcome.final["val/loss"] == pytest.approx(expected, rel=1e-6)


def test_cautious_masks_what_goes_up_and_keeps_the_length_of_a_mean_entry(view):
    effect = Cautious(floor=0.1)
    grads = {"w": torch.tensor([1.0, -1.0, 2.0, 0.0]), "all": torch.tensor([1.0])}
    updates = {
        "w": torch.tensor([-3.0, -5.0, -7.0, 1.0]),
        "all": torch.tensor([1.0]),
        "still": torch.tensor([4.0]),
    }
    _, state = effect.on_gradients(Gradient(grads, {}, Cost()), None, view(updates))
    after, state = effect.on_updates(updates, state, view(updates))
    assert after["w"].tolist() == pytest.approx([-6.0, 0.0, -14.0, 0.0])  # two of four were left
    assert after["all"].tolist() == [0.0]
    assert after["still"] is updates["still"]  # it had no gradient
    assert list(after) == list(updates)
    assert effect.meters(state)["kept"].item() == pytest.approx(0.25)


def test_cautious_adamw_is_the_papers(view):
    """The masked step of AdamW, written out, against the effect over our AdamW."""
    generator = torch.Generator().manual_seed(0)
    ours = {"w": nn.Parameter(torch.randn(40, generator=generator))}
    w, m, v = ours["w"].detach().double(), 0.0, 0.0
    optimizer, effect, state = AdamW(lr=0.01, weight_decay=0.0)(ours), Cautious(), None
    for t in range(1, 7):
        grad = torch.randn(40, generator=generator)
        ours["w"].grad = grad.clone()
        _, state = effect.on_gradients(Gradient({"w": grad}, {}, Cost()), state, view(ours))
        before = {"w": ours["w"].detach().clone()}
        optimizer.step()
        moved = tree.subtract({"w": ours["w"].detach()}, before)
        after, state = effect.on_updates(moved, state, view(before))
        ours["w"].data = before["w"] + after["w"]

        g = grad.double()
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
        step = m / (1 - 0.9**t) / ((v / (1 - 0.99**t)).sqrt() + 1e-8)
        mask = (step * g > 0).double()
        w = w - 0.01 * step * mask / mask.mean().clamp(min=1e-3)
        torch.testing.assert_close(ours["w"].double(), w, rtol=1e-4, atol=1e-6)
    assert 0 < mask.mean() < 1

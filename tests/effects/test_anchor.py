"""The anchor: its pull, its fixed points, what decay it is, and when it follows the weights."""

from dataclasses import replace

import pytest
import torch

from audition.effects.anchor import Anchor
from audition.effects.surprise_gate import SurpriseGate
from audition.parts.optim.adamw import AdamW
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import COMPLEXITY
from audition.recipe.units import Part, Resize, Units
from audition.session import begin
from audition.training.loop import train
from audition.training.step import advance

W = {"w": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "v": torch.tensor([5.0])}


def chained(job, **effects):
    return replace(job, recipe=replace(job.recipe, effects=Chain(effects)))


def of(grads, loss=1.0):
    return Gradient(grads, {"loss": torch.tensor(loss)}, Cost())


def moved(params, by):
    return {name: p + by for name, p in params.items()}


def test_the_pull_is_the_gradient_of_the_penalty(view):
    effect = Anchor(strength=0.3)
    state, there = effect.init(W, None), moved(W, 0.5)
    found, state = effect.on_gradients(
        of({n: torch.ones_like(w) for n, w in W.items()}), state, view(there)
    )
    params = {n: p.clone().requires_grad_() for n, p in there.items()}
    sum(0.15 * (params[n] - W[n]).square().sum() for n in W).backward()
    for name, p in params.items():
        assert torch.allclose(found.grads[name], 1.0 + p.grad)
    assert float(found.readings[COMPLEXITY]) == pytest.approx(0.5 * 0.5**2)  # of five weights
    meters = {name: float(value) for name, value in effect.meters(state).items()}
    assert meters == pytest.approx({"complexity": 0.125, "strength": 0.3, "consolidations": 0.0})


def test_complexity_is_the_same_for_a_model_of_any_size(view):
    effect, found = Anchor(), []
    for size in (3, 3000):
        w = {"w": torch.zeros(size)}
        told, _ = effect.on_gradients(of(w), effect.init(w, None), view(moved(w, 1e-3)))
        found.append(float(told.readings[COMPLEXITY]))
    assert found == pytest.approx([5e-7, 5e-7])


def descended(effect, a_matrix, b, view, steps, rate=0.1):
    """Where plain gradient descent on wᵀAw/2 - bᵀw comes to from ones."""
    params = {"w": torch.ones(len(b), dtype=torch.float64)}
    state = effect.init(params, None)
    for _ in range(steps):
        gradient = of({"w": a_matrix @ params["w"] - b})
        gradient, state = effect.on_gradients(gradient, state, view(params))
        params = {"w": params["w"] - rate * gradient.grads["w"]}
        params, state = effect.on_weights(params, state, view(params))
    return params["w"]


@pytest.fixture
def quadratic():
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    a_matrix = root @ root.T / 4 + 0.5 * torch.eye(4, dtype=torch.float64)
    return a_matrix, torch.randn(4, generator=generator, dtype=torch.float64)


def test_an_anchor_that_stays_is_biased_as_the_formula_says(quadratic, view):
    a_matrix, b = quadratic
    found = descended(Anchor(strength=0.7, every=10**6), a_matrix, b, view, 800)
    ones = torch.ones(4, dtype=torch.float64)
    expected = torch.linalg.solve(a_matrix + 0.7 * torch.eye(4), b + 0.7 * ones)
    assert torch.allclose(found, expected, rtol=1e-10)
    assert (found - torch.linalg.solve(a_matrix, b)).norm() > 0.1


def test_one_that_follows_leads_to_the_minimum(quadratic, view):
    a_matrix, b = quadratic
    found = descended(Anchor(strength=0.7, every=5, rate=0.5), a_matrix, b, view, 4000)
    assert torch.allclose(found, torch.linalg.solve(a_matrix, b), rtol=1e-10)


def test_one_that_follows_every_update_to_the_end_pulls_nothing(job_of, weights_of, differences):
    job = job_of()
    bound = train(chained(job, anchor=Anchor(strength=9.0, every=1, rate=1.0)))
    assert not differences(weights_of(bound), weights_of(train(job)))


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_the_anchor_is_never_the_live_weight_itself(rate, view):
    effect = Anchor(every=1, rate=rate)
    params = {"w": torch.ones(3)}
    state = effect.init(params, None)
    assert state["anchor"]["w"].data_ptr() != params["w"].data_ptr()
    _, state = effect.on_weights(params, state, view(params))
    assert state["anchor"]["w"].data_ptr() != params["w"].data_ptr()
    params["w"] += 1.0
    assert state["anchor"]["w"].tolist() == [1.0] * 3


def test_it_follows_every_so_many_updates_by_its_rate(view):
    effect = Anchor(every=3, rate=0.25)
    params = {"w": torch.zeros(2)}
    state, seen = effect.init(params, None), []
    for step in range(1, 7):
        params = {"w": torch.full((2,), float(step))}
        _, state = effect.on_weights(params, state, view(params))
        seen.append(state["anchor"]["w"][0].item())
    assert seen == [0.0, 0.0, 0.75, 0.75, 0.75, 0.75 + 0.25 * (6 - 0.75)]
    assert state["consolidations"] == 2


def test_on_a_flat_loss_alone_it_follows_when_told_so(view):
    effect = Anchor(every=2, rate=1.0, when="flat", flatness=0.1)
    params = {"w": torch.zeros(2)}
    state, followed = effect.init(params, None), []
    for step, loss in enumerate((5.0, 5.0, 4.0, 4.0, 3.9, 3.7, 2.0, 2.0, 9.0, 9.0), 1):
        params = {"w": torch.full((2,), float(step))}
        gradient = of({"w": torch.zeros(2)}, loss)
        _, state = effect.on_gradients(gradient, state, view(params))
        _, state = effect.on_weights(params, state, view(params))
        followed.append(state["anchor"]["w"][0].item())
    # Block means 5, 4, 3.8, 2, 9: the third is 5 % lower than the second, and the last one higher.
    assert followed[1::2] == [0.0, 0.0, 6.0, 6.0, 10.0]
    assert float(effect.meters(state)["consolidations"]) == 2.0


def test_on_updates_it_is_the_decay_of_adamw_towards_the_anchor(job_of, weights_of):
    """From an anchor of nought: the weights of AdamW with that decay on everything."""

    class AtNought(Anchor):
        def init(self, params, streams):
            state = super().init(params, streams)
            return {**state, "anchor": {n: torch.zeros_like(p) for n, p in params.items()}}

    def with_decay(job, decay):
        return replace(
            job,
            recipe=replace(job.recipe, optimizer=AdamW(lr=0.01, weight_decay=decay, decay="all")),
        )

    job = job_of()
    anchor = AtNought(strength=0.01 * 0.3, acts_on="updates", every=10**6)
    found = weights_of(train(chained(with_decay(job, 0.0), anchor=anchor)))
    for name, w in weights_of(train(with_decay(job, 0.3))).items():
        assert torch.allclose(found[name], w, atol=2e-6), name


def test_its_strength_follows_the_controls_and_a_gain_may_be_a_tensor(
    job_of, weights_of, differences
):
    class Turned(Effect):
        def __init__(self, gain):
            self.gain = gain

        def before_batch(self, controls, state, view):
            return replace(controls, anchor=self.gain), state

    job = job_of()
    outcomes = [
        train(chained(job, **chain))
        for chain in (
            {"turned": Turned(0.25), "anchor": Anchor(strength=0.4)},
            {"turned": Turned(torch.tensor(0.25)), "anchor": Anchor(strength=0.4)},
            {"anchor": Anchor(strength=0.1)},
        )
    ]
    for each in outcomes[:2]:
        assert not differences(weights_of(each), weights_of(outcomes[2]))


def test_a_closed_step_leaves_the_anchor_alone(job_of, differences):
    shut = SurpriseGate(rule="z", threshold=float("inf"), warmup=1)
    job = chained(job_of(), gate=shut, anchor=Anchor(strength=0.1, every=1))
    session = begin(job.recipe, job.seed, "cpu")
    advance(job, session, Clock(0, 10, 0.0))
    before = session.effects["anchor"]
    for step in range(1, 4):
        advance(job, session, Clock(step, 10, step / 10))
    assert not differences(session.effects["anchor"], before)


def test_where_units_are_born_they_are_anchored():
    effect = Anchor()
    state = effect.init({"w": torch.zeros(2, 3)}, None)
    units = Units(2, (Part("w", 0, "incoming"),))
    grown = Resize("site", units, torch.tensor([1]), 2)
    after = effect.on_resize(grown, {"w": torch.ones(2, 3)}, state)
    assert after["anchor"]["w"].tolist() == [[0.0] * 3, [1.0] * 3]

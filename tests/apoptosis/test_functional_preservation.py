"""Who dies, who inherits, and that the layer goes on computing what it did."""

from dataclasses import replace
from math import ceil

import pytest
import torch

from audition.apoptosis.functional_preservation import FunctionalPreservation, saliency
from audition.apoptosis.surgery import operate
from audition.recipe.signals import Clock
from audition.session import begin
from audition.trainer import advance, train

LAYERS = ["blocks.0.feedforward", "blocks.1.feedforward"]
HIDDEN = 128


@pytest.fixture
def event(session_of, gradient_of, view_of):
    """Settings -> (session, state, transplants) of an event that is due."""

    def happened(*overrides, **settings):
        job, session = session_of(*overrides)
        strategy = FunctionalPreservation(interval=1, warmup=0, **settings)
        gradient = gradient_of(job, session)
        with torch.no_grad():
            transplants, state = strategy.propose(
                session.model,
                gradient,
                session.batches,
                strategy.init(session.model),
                view_of(session),
            )
        return session, state, transplants

    return happened


@pytest.mark.parametrize("norm", ["layernorm", "rmsnorm"])
def test_saliency_is_activation_times_gradient(session_of, gradient_of, view_of, norm):
    job, session = session_of(f"norm={norm}")
    kept = {}
    hooks = [
        session.model.get_submodule(f"{name}.down").register_forward_pre_hook(
            lambda module, inputs, name=name: (
                kept.update({name: inputs[0]}),
                inputs[0].retain_grad(),
            )[1]
        )
        for name in LAYERS
    ]
    gradient = gradient_of(job, session)
    for hook in hooks:
        hook.remove()
    for name in LAYERS:
        h = kept[name]  # [B, T, H]
        expected = (h * h.grad).sum((0, 1)).abs()
        with torch.no_grad():
            found = saliency(view_of(session), gradient, name)
        assert found.shape == (HIDDEN,)
        assert torch.allclose(found, expected, rtol=1e-3, atol=1e-8)


def test_fitness_is_a_moving_average(session_of, gradient_of, view_of):
    job, session = session_of()
    strategy = FunctionalPreservation(memory=0.75, warmup=100)
    state = strategy.init(session.model)
    assert {name: f.shape for name, f in state.items()} == dict.fromkeys(LAYERS, (HIDDEN,))
    gradient = gradient_of(job, session)
    with torch.no_grad():
        for count in (1, 2, 3):
            none, state = strategy.propose(
                session.model, gradient, session.batches, state, view_of(session)
            )
            assert not none
            share = 1.0 - 0.75**count
            for name in LAYERS:
                full = saliency(view_of(session), gradient, name)
                assert torch.allclose(state[name], share * full, rtol=1e-5)


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.3, 0.5])
def test_exactly_the_least_fit_die(event, rate):
    _, state, transplants = event(rate=rate)
    assert [t.layer for t in transplants] == LAYERS
    for t in transplants:
        count = ceil(rate * HIDDEN)
        ranked = state[t.layer].argsort().tolist()
        assert set(t.units.tolist()) == set(ranked[:count])
        assert set(t.parents.tolist()) == set(ranked[-count:])
        assert len(t.units) == len(t.parents) == count
        assert not set(t.units.tolist()) & set(t.parents.tolist())
        assert torch.equal(t.rescaled, t.parents)


def test_no_unit_dies_as_a_parent_where_few_are(session_of, gradient_of, view_of):
    job, session = session_of("feedforward.ratio=0.15625")  # five units
    strategy = FunctionalPreservation(rate=0.5, interval=1, warmup=0)
    gradient = gradient_of(job, session)
    with torch.no_grad():
        transplants, _ = strategy.propose(
            session.model, gradient, session.batches, strategy.init(session.model), view_of(session)
        )
    for t in transplants:
        assert len(t.units) == 2
        assert not set(t.units.tolist()) & set(t.parents.tolist())


@pytest.mark.parametrize("bias", [True, False])
def test_split_shares_the_parents_column(event, bias):
    session, _, transplants = event(f"model.bias={bias}", rate=0.2)
    for t in transplants:
        up, down = (session.params[f"{t.layer}.{which}.weight"] for which in ("up", "down"))
        assert torch.equal(t.rows, up[t.parents])
        assert torch.allclose(t.columns + t.rescaled_columns, down[:, t.parents], atol=1e-7)
        share = (t.columns / down[:, t.parents]).mean(0)
        assert ((share > 0.299) & (share < 0.701)).all()
        assert ((share - 0.5).abs() >= 0.0099).all()
        assert share.std() > 0.05
        if bias:
            assert torch.equal(t.biases, session.params[f"{t.layer}.up.bias"][t.parents])
        else:
            assert t.biases is None


@pytest.mark.parametrize("overrides", [(), ("model.bias=true", "feedforward=squared_relu")])
def test_rebirth_keeps_the_function_but_for_the_dead(event, overrides):
    session, _, transplants = event(*overrides, rate=0.3)
    model = session.model.eval()
    inputs = session.batches.train(0).inputs
    with torch.no_grad():
        whole = model(inputs)
        for t in transplants:
            session.params[f"{t.layer}.down.weight"][:, t.units] = 0.0
        ablated = model(inputs)
        operate(model, session.optimizer, transplants)
        reborn = model(inputs)
    assert torch.allclose(reborn, ablated, atol=1e-5)
    assert not torch.allclose(whole, ablated, atol=1e-5)


def test_noise_is_relative_to_the_row(event):
    session, _, transplants = event(rate=0.3, noise=0.5)
    for t in transplants:
        rows = session.params[f"{t.layer}.up.weight"][t.parents]
        moved = (t.rows - rows).std(1) / rows.std(1)
        assert moved.mean().item() == pytest.approx(0.5, rel=0.1)


def test_timetable(job_of):
    settings = ("apoptosis.interval=2", "apoptosis.warmup=3", "apoptosis.until=0.7")
    job = job_of("apoptosis=functional_preservation", *settings)
    session = begin(job.recipe, job.seed, "cpu")
    events = [
        step + 1
        for step in range(12)
        if advance(job, session, Clock(step, 12, step / 12)).transplants
    ]
    assert events == [4, 6, 8]  # after the warm-up, every second step, until 0.7 x 12 are spent


def test_in_training_only_the_named_units_are_moved_by_surgery(job_of):
    """A step with an event is a step without it, followed by the surgery."""
    settings = ("apoptosis.interval=1", "apoptosis.warmup=0", "model.bias=true")
    job = job_of("apoptosis=functional_preservation", *settings)
    plain = replace(job, recipe=replace(job.recipe, apoptosis=type(job.recipe.apoptosis)(rate=0.0)))
    with_event, without = (begin(j.recipe, j.seed, "cpu") for j in (job, plain))
    report = advance(job, with_event, Clock(0, 10, 0.0))
    advance(plain, without, Clock(0, 10, 0.0))
    assert len(report.transplants) == len(LAYERS)
    for name, p in with_event.params.items():
        touched = torch.zeros(p.shape, dtype=torch.bool)
        for t in report.transplants:
            if name in (f"{t.layer}.up.weight", f"{t.layer}.up.bias"):
                touched[t.units] = True
            elif name == f"{t.layer}.down.weight":
                touched[:, torch.cat([t.units, t.parents])] = True
        other = without.params[name]
        assert p.shape == other.shape
        assert torch.equal(p[~touched], other[~touched]), name
        if touched.any():
            assert not torch.equal(p[touched], other[touched]), name


def test_a_closed_step_neither_ages_nor_kills(session_of, gradient_of, view_of):
    job, session = session_of()
    strategy = FunctionalPreservation(interval=1, warmup=0)
    closed = replace(gradient_of(job, session), grads={}, closed=True)
    state = strategy.init(session.model)
    transplants, after = strategy.propose(
        session.model, closed, session.batches, state, view_of(session)
    )
    assert not transplants
    assert after is state


def test_evaluation_kills_nobody(job_of, weights_of, differences):
    job = job_of("apoptosis=functional_preservation", "apoptosis.interval=2", "apoptosis.warmup=1")
    often = replace(job, training=replace(job.training, evaluations=6))
    assert not differences(weights_of(train(job)), weights_of(train(often)))

"""One step of the loop: what it does, and what a closed one does not."""

import math
from dataclasses import replace

import pytest
import torch

from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls
from audition.session import begin
from audition.training.loop import train
from audition.training.step import advance, load_gradients

OPTIMIZERS = ("optimizer=adamw", "optimizer=sgd", "optimizer=muon")


class Does(Effect):
    """An effect made of functions of the signal, one a moment."""

    def __init__(self, **moments):
        self.acts = moments

    def moments(self):
        return frozenset(self.acts)

    def before_batch(self, controls, state, view):
        return self.acts["before_batch"](controls), state

    def wrap_gradient(self, rule, state, view):
        return self.acts["wrap_gradient"](rule, view), state

    def on_gradients(self, gradient, state, view):
        return gradient.with_grads(self.acts["on_gradients"](gradient.grads)), state

    def on_updates(self, updates, state, view):
        return self.acts["on_updates"](updates), state

    def on_weights(self, params, state, view):
        return self.acts["on_weights"](params), state


def doing(job, **moments):
    return replace(job, recipe=replace(job.recipe, effects=Chain({"does": Does(**moments)})))


def stepped(job, steps=1):
    """The session after some of ten steps."""
    session = begin(job.recipe, job.seed, "cpu")
    for step in range(steps):
        advance(job, session, Clock(step, 10, step / 10))
    return session


def scaled(factor):
    return lambda tensors: {name: factor * t for name, t in tensors.items()}


def distance(after, before):
    """Of two sets of weights, as one vector each."""
    return math.hypot(*((after[n] - before[n]).norm().item() for n in before))


def test_clipping_is_of_the_global_norm(job_of):
    plain = ("optimizer.lr=0.1", "optimizer.momentum=0", "optimizer.nesterov=false")
    job = job_of("optimizer=sgd", *plain, "schedule=constant")
    start = begin(job.recipe, job.seed, "cpu").model.state_dict()
    del start["head.weight"]  # tied: it is the embedding's own

    def moved(clip):
        each = replace(job, training=replace(job.training, clip=clip))
        session = begin(each.recipe, each.seed, "cpu")
        report = advance(each, session, Clock(0, 10, 0.0))
        length = math.hypot(*(g.norm().item() for g in report.gradient.grads.values()))
        return report.norm, length, distance(session.model.state_dict(), start)

    none, length, free = moved(None)
    assert none is None
    assert length > 0.5
    norm, _, clipped = moved(0.05)
    assert norm.item() == pytest.approx(length, rel=1e-4)  # what it was before clipping
    assert free == pytest.approx(0.1 * length, rel=1e-3)
    assert clipped == pytest.approx(0.1 * 0.05, rel=1e-3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_accumulated_pieces_are_the_whole_batch(job_of, optimizer):
    whole, pieces = (
        job_of(optimizer, f"execution.accumulate={n}", "schedule=constant") for n in (1, 4)
    )
    reports = [advance(j, begin(j.recipe, 42, "cpu"), Clock(0, 10, 0.0)) for j in (whole, pieces)]
    first, second = (r.gradient for r in reports)
    for name in first.grads:
        assert torch.allclose(first.grads[name], second.grads[name], atol=1e-6)
    assert first.cost == second.cost == Cost(1.0, 1.0)
    assert reports[0].loss() == pytest.approx(reports[1].loss(), abs=1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_gradient_may_lie_in_any_order_in_memory(job_of, optimizer, weights_of, differences):
    """Torch's fused steps read past the strides; a transposed gradient must not be scrambled."""

    def transposed(grads):
        return {n: g.T.contiguous().T if g.ndim == 2 else g for n, g in grads.items()}

    job = job_of(optimizer)
    straight, turned = (
        stepped(doing(job, on_gradients=act), 3) for act in (lambda grads: grads, transposed)
    )
    assert not differences(straight.model.state_dict(), turned.model.state_dict())


@pytest.mark.parametrize("fused", [True, False])
def test_a_gradient_takes_the_layout_of_its_weight(job_of, fused):
    """Fused steps read the memory of channels-last weights in order, and so must their gradient."""

    def convolution(layout):
        kernel = torch.arange(48.0).reshape(2, 3, 2, 4).contiguous(memory_format=layout)
        p = torch.nn.Parameter(kernel)
        session = begin(job_of().recipe, 42, "cpu")
        session.params = {"kernel": p}
        optimizer = torch.optim.SGD([p], lr=1.0, momentum=0.5, fused=fused)
        for step in (1.0, 2.0):
            grad = step * torch.arange(48.0).reshape(2, 3, 2, 4).sin()
            load_gradients(session, Gradient({"kernel": grad}, {}, Cost()), clip=None)
            optimizer.step()
        return p.detach()

    plain = convolution(torch.contiguous_format)
    turned = convolution(torch.channels_last)
    assert turned.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(plain, turned)


def test_a_gradient_that_lies_like_its_weight_is_not_copied(job_of):
    session = begin(job_of().recipe, 42, "cpu")
    grads = {n: torch.ones_like(p) for n, p in session.params.items()}
    load_gradients(session, Gradient(grads, {}, Cost()), clip=None)
    assert all(p.grad is grads[n] for n, p in session.params.items())


def test_gains_do_not_compound(job_of):
    job = doing(job_of(), before_batch=lambda controls: replace(controls, lr=0.5 * controls.lr))
    session = begin(job.recipe, job.seed, "cpu")
    for step in range(5):
        clock = Clock(step, 10, step / 10)
        report = advance(job, session, clock)
        assert report.controls.lr == 0.5 * job.recipe.schedule(clock).lr
        for group in session.optimizer.param_groups:
            assert group["lr"] == pytest.approx(4e-3 * report.controls.lr)


def test_every_control_arrives(job_of):
    gains = Controls(lr=0.5, momentum=0.5, weight_decay=2.0, dropout=3.0)
    session = stepped(doing(job_of("model.dropout=0.1"), before_batch=lambda controls: gains))
    decayed = session.optimizer.param_groups[0]
    assert (decayed["lr"], decayed["betas"]) == (2e-3, (0.45, 0.99))
    assert decayed["weight_decay"] == 0.2
    assert session.model.dropout.p == pytest.approx(0.3)


def test_a_gain_on_updates_is_not_cancelled_by_adam(job_of):
    job = job_of("schedule=constant")
    start = begin(job.recipe, job.seed, "cpu").model.state_dict()
    plain, gradients, updates = (
        distance(stepped(each).model.state_dict(), start)
        for each in (
            job,
            doing(job, on_gradients=scaled(8.0)),
            doing(job, on_updates=scaled(8.0)),
        )
    )
    assert gradients == pytest.approx(plain, rel=0.05)
    assert updates == pytest.approx(8 * plain, rel=1e-3)


def test_weights_can_be_replaced_after_the_update(job_of):
    def pruned(params):
        return {n: torch.zeros_like(p) if n == "norm.weight" else p for n, p in params.items()}

    job = job_of()
    session, plain = stepped(doing(job, on_weights=pruned)), stepped(job)
    for name, p in session.params.items():
        assert torch.equal(p, torch.zeros_like(p) if name == "norm.weight" else plain.params[name])
        assert p is session.model.get_parameter(name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_closed_gate_moves_nothing(job_of, optimizer, differences):
    def gate(rule, view):
        def closed(problem):
            with torch.no_grad():
                terms = problem.terms(problem.batch)
            return Gradient({}, terms, Cost(forward=1.0), closed=True)

        return closed if view.clock.step in (2, 3) else rule

    def unheard(updates):
        heard.append(len(updates))
        return updates

    heard = []
    job = doing(job_of(optimizer), wrap_gradient=gate, on_updates=unheard)
    session = begin(job.recipe, job.seed, "cpu")
    for step in range(2):
        advance(job, session, Clock(step, 10, step / 10))
    parts = ("model", "optimizer")
    before = torch.utils._pytree.tree_map(
        lambda x: x.clone() if isinstance(x, torch.Tensor) else x,
        {part: session.snapshot()[part] for part in parts},
    )
    for step in (2, 3):
        report = advance(job, session, Clock(step, 10, step / 10))
        assert report.norm is None
        assert math.isfinite(report.loss())
    assert not differences(before, {part: session.snapshot()[part] for part in parts})
    assert len(heard) == 2
    assert (session.step, session.units) == (4, 4 * 64)
    assert session.cost == Cost(4.0, 2.0)
    advance(job, session, Clock(4, 10, 0.4))
    assert differences(before, {part: session.snapshot()[part] for part in parts})


def test_a_dearer_rule_is_charged(job_of):
    def twice(rule, view):
        def measured(problem):
            first = rule(problem)
            return replace(first, cost=first.cost + rule(problem).cost)

        return measured

    job = doing(job_of(), wrap_gradient=twice)
    assert train(job).session.cost == Cost(12.0, 12.0)

"""Weights that only evaluation sees, an effect's or an optimizer's, and the live ones put back."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from audition.parts.stepping.together import Together, averaging_of
from audition.recipe import tree
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.signals import Controls
from audition.session import begin
from audition.training.evaluation import evaluate
from audition.training.evaluation_weights import evaluation_weights
from audition.training.loop import train
from audition.training.step import advance

CLOCK = Clock(0, 10, 0.0)


class Zeros(Effect):
    """Evaluation sees a model of zeros, but for what an earlier member shifted."""

    def __init__(self, shift=0.0, heard=None):
        self.shift, self.heard = shift, heard

    def on_evaluation(self, params, state, view):
        if self.heard is not None:
            self.heard.append((view, dict(params)))
        return {n: torch.full_like(p, self.shift) for n, p in params.items()}


class Averaging(torch.optim.SGD):
    """SGD that trains at y and evaluates at the running mean, as Schedule-Free optimizers do.

    `train()` computes y back from the mean by arithmetic that rounds, and a step in evaluation mode
    is refused.
    """

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
        for group in self.param_groups:
            group["training"] = False

    def _move(self, to_mean):
        for group in self.param_groups:
            if group["training"] is to_mean:
                for p in group["params"]:
                    mean = self.state[p].get("mean")
                    if mean is not None:
                        p.data.lerp_(mean, 0.7 if to_mean else 1 - 1 / 0.3)
            group["training"] = not to_mean

    def eval(self):
        self._move(True)

    def train(self):
        self._move(False)

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            assert group["training"], "a step in evaluation mode"
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", p.detach().clone())
                mean.lerp_(p.detach(), 0.25)


def stepped(recipe, job, steps=3):
    session = begin(recipe, job.seed, "cpu")
    for step in range(steps):
        advance(job, session, Clock(step, 10, step / 10))
    return session


def together(named):
    half = len(named) // 2
    parts = list(named.values())
    return Together(torch.optim.SGD(parts[:half], lr=0.1), Averaging(parts[half:]))


OPTIMIZERS = {"alone": lambda named: Averaging(list(named.values())), "together": together}


@pytest.fixture(params=OPTIMIZERS)
def averaging(request, job_of):
    """(job, recipe) of an optimizer that evaluates elsewhere, or one with such a member."""
    job = job_of()
    return job, replace(job.recipe, optimizer=OPTIMIZERS[request.param])


def chained(job, *effects):
    chain = Chain({f"e{i}": effect for i, effect in enumerate(effects)})
    return replace(job.recipe, effects=chain)


def test_evaluators_see_what_the_chain_makes_of_the_weights(job_of):
    heard = []
    job = job_of()
    recipe = chained(job, Zeros(shift=2.0), Zeros(heard=heard))
    session = stepped(recipe, job)
    live = tree.clone(session.params)
    seen = {}

    def look(rows):
        model = rows.predict.model
        assert not model.training
        seen.update(tree.clone(dict(model.named_parameters())))
        return {"loss": 0.0}

    evaluate(replace(job, recipe=replace(recipe, evaluators={"look": look})), session, CLOCK)
    assert all(not seen[n].any() for n in live)
    (view, given), *_ = heard
    assert all((p == 2.0).all() for p in given.values())
    assert view.clock == CLOCK
    assert view.controls == Controls()
    assert view.streams.path == ("effects", "e1")
    assert session.model.training


@pytest.mark.parametrize("breaks", [False, True])
def test_the_live_weights_come_back_bit_for_bit(averaging, breaks):
    job, recipe = averaging
    recipe = replace(recipe, effects=Chain({"zeros": Zeros(shift=3.0)}))
    session = stepped(recipe, job)
    session.model.register_buffer("running", torch.ones(2))
    before = {n: t.clone() for n, t in session.model.state_dict().items()}
    places = {n: p.data_ptr() for n, p in session.params.items()}

    def evaluator(rows):
        rows.predict.model.running += 1
        if breaks:
            raise RuntimeError("an evaluator that fails")
        return {"loss": 0.0}

    job = replace(job, recipe=replace(recipe, evaluators={"count": evaluator}))
    if breaks:
        with pytest.raises(RuntimeError, match="that fails"):
            evaluate(job, session, CLOCK)
    else:
        evaluate(job, session, CLOCK)
    after = session.model.state_dict()
    assert torch.equal(after.pop("running"), torch.full((2,), 2.0))  # an evaluator's own business
    del before["running"]
    assert all(torch.equal(after[n], x) for n, x in before.items())
    assert {n: p.data_ptr() for n, p in session.params.items()} == places
    assert session.model.training
    advance(job, session, Clock(3, 10, 0.3))  # the optimizer is in training mode again


def test_evaluation_is_at_the_optimizers_own_weights(averaging):
    job, recipe = averaging
    session = stepped(recipe, job)
    expected = {
        n: torch.lerp(p.data, session.optimizer.state[p]["mean"], 0.7)
        if "mean" in session.optimizer.state[p]
        else p.data.clone()
        for n, p in session.params.items()
    }
    live = tree.clone(session.params)
    with torch.no_grad(), evaluation_weights(recipe, session, CLOCK):
        seen = tree.clone(session.params)
    assert any(not torch.equal(seen[n], live[n]) for n in live)
    assert all(torch.equal(seen[n], x) for n, x in expected.items())


def test_evaluations_change_no_bit_of_training(averaging, weights_of, differences):
    job, recipe = averaging
    once, often = (
        train(replace(job, recipe=recipe, training=replace(job.training, evaluations=n)))
        for n in (1, 6)
    )
    assert len(often.session.evaluations) == 6
    assert not differences(weights_of(once), weights_of(often))
    assert once.final == often.final


def test_without_such_weights_nothing_is_written(job_of):
    job = job_of("preset=saturation_limiter")
    session = stepped(job.recipe, job)
    versions = {n: p._version for n, p in session.params.items()}
    evaluate(job, session, CLOCK)
    assert {n: p._version for n, p in session.params.items()} == versions


def test_only_what_has_both_modes_is_switched():
    first, second = ([nn.Parameter(torch.ones(2))] for _ in range(2))
    plain, own = torch.optim.SGD(first, lr=0.1), Averaging(second)
    assert averaging_of(plain) == []
    assert averaging_of(own) == [own]
    assert averaging_of(Together(plain, own)) == [own]

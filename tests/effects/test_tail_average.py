"""The mean of the last weights against one that is summed by hand, and its limiting cases."""

from dataclasses import replace

import pytest
import torch

from audition.effects.ema import EMA
from audition.effects.tail_average import TailAverage
from audition.observers.observer import Observer
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain
from audition.session import begin
from audition.training.evaluation import evaluate
from audition.training.loop import train


class Diary(Observer):
    """The weights after every step."""

    def __init__(self):
        self.weights = []

    def on_step(self, session, report):
        self.weights.append({n: p.detach().double().clone() for n, p in session.params.items()})


def averaged_by(job, effect):
    return replace(job, recipe=replace(job.recipe, effects=Chain({"averaged": effect})))


@pytest.mark.parametrize(("share", "last"), [(1 / 6, 1), (0.5, 3), (1.0, 6)])
def test_evaluation_is_at_the_mean_of_the_last_weights(job_of, share, last):
    job, diary = job_of(), Diary()
    outcome = train(averaged_by(job, TailAverage(share=share)), [diary])
    session = begin(job.recipe, job.seed, "cpu")
    with torch.no_grad():
        for name, p in session.params.items():
            p.copy_(sum(each[name] for each in diary.weights[-last:]) / last)
    expected = evaluate(job, session, Clock(6, 6, 1.0)).metrics["val/loss"]
    assert outcome.final["val/loss"] == pytest.approx(expected, rel=1e-6)
    plain = train(job).final["val/loss"]
    assert (outcome.final["val/loss"] == plain) == (last == 1)


def test_before_the_tail_evaluation_sees_the_live_weights(job_of):
    job = job_of("training.evaluations=6")
    plain, averaged = (
        [e.metrics["val/loss"] for e in train(each).session.evaluations]
        for each in (job, averaged_by(job, TailAverage(share=0.5)))
    )
    # The tail begins with the fourth step, and a mean of one step is that step.
    assert averaged[:4] == plain[:4]
    assert all(a != p for a, p in zip(averaged[4:], plain[4:], strict=True))


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_the_tail_has_the_steps_that_its_share_says(view, share):
    effect, state = TailAverage(share=share), TailAverage().init({}, None)
    params = {"w": torch.ones(1)}
    for step in range(10):
        here = replace(view(params), clock=Clock(step, 10, step / 10))
        _, state = effect.on_weights(params, state, here)
    assert effect.meters(state) == {"updates": round(10 * share)}


def test_the_whole_run_is_the_limit_of_a_decay_of_one(job_of):
    whole = train(averaged_by(job_of(), TailAverage(share=1.0))).final["val/loss"]
    limit = train(averaged_by(job_of(), EMA(decay=1 - 1e-9))).final["val/loss"]
    assert whole == pytest.approx(limit, rel=1e-6)


def test_the_trained_weights_are_the_baselines(job_of, weights_of, differences):
    job = job_of()
    averaged = train(averaged_by(job, TailAverage(share=0.5)))
    assert not differences(weights_of(train(job)), weights_of(averaged))


def test_a_share_of_nought_listens_to_nothing():
    assert TailAverage(share=0.0).moments() == frozenset()
    assert TailAverage(share=0.5).moments() == {"on_weights", "on_evaluation"}


def test_the_mean_is_never_the_live_weight_itself(view):
    params = {"w": torch.ones(3)}
    effect, state = TailAverage(share=1.0), TailAverage().init({}, None)
    for _ in range(2):
        _, state = effect.on_weights(params, state, view(params))
        assert state["mean"]["w"].data_ptr() != params["w"].data_ptr()

"""The moving average against one that is run by hand, and what it leaves alone."""

from dataclasses import replace

import pytest
import torch

from audition.effects.ema import EMA
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


def by_hand(weights, decay):
    """Every update's share falls by `decay` with its age, and the shares sum to 1."""
    shares = [decay**age for age in reversed(range(len(weights)))]
    total = sum(shares)
    pairs = [(share / total, each) for share, each in zip(shares, weights, strict=True)]
    return {n: sum(share * each[n] for share, each in pairs) for n in weights[0]}


def with_ema(job, **settings):
    return replace(job, recipe=replace(job.recipe, effects=Chain({"ema": EMA(**settings)})))


@pytest.mark.parametrize(
    ("decay", "start", "first"), [(0.5, 0.0, 0), (0.9, 0.5, 3), (0.999, 0.0, 0)]
)
def test_evaluation_is_at_the_mean_of_the_steps(job_of, decay, start, first):
    job, diary = job_of(), Diary()
    outcome = train(with_ema(job, decay=decay, start=start), [diary])
    mean = by_hand(diary.weights[first:], decay)
    session = begin(job.recipe, job.seed, "cpu")
    with torch.no_grad():
        for name, p in session.params.items():
            p.copy_(mean[name].float())
    expected = evaluate(job, session, Clock(6, 6, 1.0)).metrics
    assert outcome.final["val/loss"] == pytest.approx(expected["val/loss"], rel=1e-6)
    assert outcome.final["val/loss"] != train(job).final["val/loss"]


def test_before_its_start_evaluation_sees_the_live_weights(job_of):
    job = job_of("training.evaluations=6")
    plain, averaged = (
        [e.metrics["val/loss"] for e in train(each).session.evaluations]
        for each in (job, with_ema(job, decay=0.5, start=0.5))
    )
    # The first step of the mean is the fourth, and a mean of one step is that step.
    assert averaged[:4] == plain[:4]
    assert all(a != p for a, p in zip(averaged[4:], plain[4:], strict=True))


def test_the_trained_weights_are_the_baselines(job_of, weights_of, differences):
    job = job_of()
    assert not differences(weights_of(train(job)), weights_of(train(with_ema(job, decay=0.9))))


def test_a_decay_of_nought_listens_to_nothing():
    assert EMA(decay=0.0).moments() == frozenset()
    assert EMA(decay=0.5).moments() == {"on_weights", "on_evaluation"}


@pytest.mark.parametrize("decay", [0.5, 1e-18])
def test_the_mean_is_never_the_live_weight_itself(view, decay):
    params = {"w": torch.ones(3)}
    effect, state = EMA(decay=decay), EMA(decay=decay).init(params, None)
    for _ in range(2):
        _, state = effect.on_weights(params, state, view(params))
        assert state["mean"]["w"].data_ptr() != params["w"].data_ptr()
    assert effect.meters(state) == {"updates": 2.0}


def test_a_decay_near_one_weighs_all_updates_alike(view):
    """The first weights have no privilege: the mean of 1 to 5 is 3."""
    effect, state = EMA(decay=1 - 1e-9), EMA().init({}, None)
    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        params = {"w": torch.full((2,), value)}
        _, state = effect.on_weights(params, state, view(params))
    torch.testing.assert_close(state["mean"]["w"], torch.full((2,), 3.0))


def test_on_a_quadratic_it_is_nearer_the_minimum_than_the_last_step(view):
    """Constant-rate SGD on x²/2 with noise is an AR(1) process with coefficient r = 1 - rate.

    The variance of its average, relative to its own: (1 - d)(1 + d r) / ((1 + d)(1 - d r)).
    """
    d, r, chains = 0.9, 0.5, 4000
    generator = torch.Generator().manual_seed(0)
    x = torch.zeros(chains, dtype=torch.float64)
    effect, state = EMA(decay=d), EMA().init({}, None)
    for _ in range(150):
        noise = torch.randn(chains, generator=generator, dtype=torch.float64)
        x = r * x + noise
        _, state = effect.on_weights({"x": x}, state, view({"x": x}))
    found = state["mean"]["x"].var() / x.var()
    assert found == pytest.approx((1 - d) * (1 + d * r) / ((1 + d) * (1 - d * r)), rel=0.08)

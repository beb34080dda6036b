"""The engine: fitness as it is measured, the timetable, and events inside training."""

from dataclasses import replace

import pytest
import torch

from audition.apoptosis.fitness.random import Random
from audition.apoptosis.fitness.saliency import Saliency
from audition.apoptosis.heredity.reset import Reset
from audition.apoptosis.strategy import Site
from audition.apoptosis.surgery import operate
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.units import saliency, sites
from audition.session import begin
from audition.training.loop import train
from audition.training.step import advance, probe_of

LAYERS = ["blocks.0.feedforward", "blocks.1.feedforward"]
HIDDEN = 128
OFTEN = (
    "apoptosis/timetable=periodic",
    "apoptosis.timetable.interval=2",
    "apoptosis.timetable.warmup=1",
)


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
    for name, units in sites(session.model).items():
        h = kept[name]  # [B, T, H]
        expected = (h * h.grad).sum((0, 1)).abs()
        with torch.no_grad():
            found = saliency(units, session.params, gradient.grads)
        assert found.shape == (HIDDEN,)
        assert torch.allclose(found, expected, rtol=1e-3, atol=1e-8)


def test_fitness_is_a_moving_average(session_of, gradient_of, view_of):
    job, session = session_of()
    fitness, gradient = Saliency(memory=0.75), gradient_of(job, session)
    for name, units in sites(session.model).items():
        site = Site(name, units)
        state = fitness.init(site, session.params)
        assert state.shape == (HIDDEN,)
        with torch.no_grad():
            full = saliency(units, session.params, gradient.grads)
            for count in (1, 2, 3):
                state = fitness.observe(site, gradient, state, view_of(session))
                assert torch.allclose(state, (1.0 - 0.75**count) * full, rtol=1e-5)
        assert torch.equal(fitness.score(site, None, state, view_of(session)), state)


def test_by_lot_every_unit_dies_as_often(event, view_of):
    session, _, events = event(rate=0.3, fitness=Random())
    deaths = torch.zeros(2, HIDDEN)
    site = Site(LAYERS[0], sites(session.model)[LAYERS[0]])
    for step in range(400):
        worth = Random().score(site, None, None, view_of(session, step))
        deaths[step % 2, worth.argsort()[:32]] += 1  # 200 events of a quarter: 50 ± 6.1 each
    assert deaths.sum(1).tolist() == [200 * 32] * 2
    assert ((deaths - 50).abs() < 5 * 6.2).all()
    chi_squared = ((deaths - 50) ** 2 / 50).sum(1)
    assert (chi_squared < 200).all()  # 127 degrees of freedom
    first, second = (e.born for e in events)
    assert not torch.equal(first, second)  # each site draws for itself


def test_reset_begins_anew_and_says_nothing(event, weights_to_cut):
    session, _, events = event("model.bias=true", rate=0.3, heredity=Reset())
    model, inputs = session.model.eval(), session.batches.train(Clock(0)).inputs
    up = session.params["blocks.0.feedforward.up.weight"].detach().clone()
    with torch.no_grad():
        for e in events:
            session.params[f"{e.site}.down.weight"][:, e.born] = 0.0
        ablated = model(inputs)
        operate(weights_to_cut(session), events)
        assert torch.allclose(model(inputs), ablated, atol=1e-6)
    for e in events:
        assert e.parents.shape == (len(e.born), 0)
        rows = session.params[f"{e.site}.up.weight"][e.born]
        assert rows.std().item() == pytest.approx(0.02, rel=0.1)
        assert (session.params[f"{e.site}.up.bias"][e.born] == 0.0).all()
        assert (session.params[f"{e.site}.down.weight"][:, e.born] == 0.0).all()
    born = events[0].born
    after = session.params["blocks.0.feedforward.up.weight"]
    assert not torch.isclose(after[born], up[born]).any(1).all()


def test_timetable(job_of):
    settings = ("interval=2", "warmup=3", "until=0.7")
    parts = [f"apoptosis.timetable.{setting}" for setting in settings]
    job = job_of("apoptosis=functional_preservation", "apoptosis/timetable=periodic", *parts)
    session = begin(job.recipe, job.seed, "cpu")
    events = [
        step + 1 for step in range(12) if advance(job, session, Clock(step, 12, step / 12)).events
    ]
    assert events == [4, 6, 8]  # after the warm-up, every second step, until 0.7 x 12 are spent


def test_in_training_only_the_named_units_are_moved_by_surgery(job_of, with_strategy):
    """A step with an event is a step without it, followed by the surgery."""
    settings = (
        "apoptosis/timetable=periodic",
        *("apoptosis.timetable.interval=1", "apoptosis.timetable.warmup=0", "model.bias=true"),
    )
    job = job_of("apoptosis=functional_preservation", *settings)
    plain = with_strategy(job, replace(job.recipe.apoptosis, rate=0.0))
    with_event, without = (begin(j.recipe, j.seed, "cpu") for j in (job, plain))
    report = advance(job, with_event, Clock(0, 10, 0.0))
    advance(plain, without, Clock(0, 10, 0.0))
    assert len(report.events) == len(LAYERS)
    for name, p in with_event.params.items():
        touched = torch.zeros(p.shape, dtype=torch.bool)
        for edit in (edit for e in report.events for edit in e.edits):
            if edit.parameter == name:
                touched.index_fill_(edit.axis, edit.index, True)
        other = without.params[name]
        assert p.shape == other.shape
        assert touched.any() == (".feedforward." in name and "down.bias" not in name)
        assert torch.equal(p[~touched], other[~touched]), name
        if touched.any():
            assert not torch.equal(p[touched], other[touched]), name


def test_a_closed_step_neither_ages_nor_kills(session_of, gradient_of, view_of, strategy_of):
    job, session = session_of()
    strategy = strategy_of()
    closed = replace(gradient_of(job, session), grads={}, closed=True)
    state = strategy.init(sites(session.model), session.params)
    events, after = strategy.propose(probe_of(job, session, 4), closed, state, view_of(session))
    assert not events
    assert after is state


def test_evaluation_kills_nobody(job_of, weights_of, differences):
    job = job_of("apoptosis=functional_preservation", *OFTEN)
    often = replace(job, training=replace(job.training, evaluations=6))
    assert not differences(weights_of(train(job)), weights_of(train(often)))


def test_a_model_without_units_is_refused_unless_none_would_die(job_of, strategy_of):
    digits = ("task=classification", "data=digits", "model=mlp", "data.batch_size=8")
    job = job_of(*digits, "apoptosis=functional_preservation", base=("budget.steps=2",))
    with pytest.raises(AuditionError, match="apoptosis finds no units in this model"):
        begin(job.recipe, job.seed, "cpu")
    assert strategy_of(rate=0.0).init({}, {})["fitness"] == {}


@pytest.mark.parametrize("rate", [0.99, 0.985])
def test_two_units_at_least_survive(job_of, strategy_of, rate):
    model = begin(job_of().recipe, 42, "cpu").model
    with pytest.raises(AuditionError, match=f"rate={rate} lets 127 of the 128 units of blocks.0"):
        strategy_of(rate=rate).init(sites(model), dict(model.named_parameters()))
    strategy_of(rate=0.984).init(sites(model), dict(model.named_parameters()))


def test_random_victims_are_any_and_their_parents_the_fittest(event):
    _, after, events = event(rate=0.2, victims="random")
    for e in events:
        ranked = after["fitness"][e.site].argsort()
        assert set(e.born.tolist()) != set(ranked[: len(e.born)].tolist())
        alive = [j for j in ranked.tolist() if j not in e.born]
        assert set(e.parents.flatten().tolist()) == set(alive[-len(e.born) :])


def test_a_new_unit_is_spared_until_it_is_mature(session_of, gradient_of, view_of, strategy_of):
    job, session = session_of()
    gradient = gradient_of(job, session)
    strategy = strategy_of(rate=0.25, maturity=0.3, heredity=Reset())
    state = strategy.init(sites(session.model), session.params)
    born = []
    for step in range(5):  # of ten: a fifth of the run later nobody born has come of age
        with torch.no_grad():
            events, state = strategy.propose(
                probe_of(job, session, 4), gradient, state, view_of(session, step)
            )
        born.append(set(events[0].born.tolist()))
    assert [len(each) for each in born] == [32] * 5
    assert not born[0] & (born[1] | born[2])
    assert born[3] == born[0]  # a third later the weakest are the weakest again
    assert state["events"] == 5


def test_a_run_says_that_it_was_not_tested(job_of):
    job = job_of("apoptosis=functional_preservation")  # four events in six steps
    outcome = train(job)
    found = job.recipe.apoptosis.untested(outcome.session.apoptosis)
    assert found == "4 events of the 5 that test a strategy"

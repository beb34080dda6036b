"""Strategies with code of their own: fading, bands of layers, widths, document 002's, a policy."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from audition.apoptosis import policy
from audition.apoptosis.dynamic_topology import DynamicTopology
from audition.apoptosis.fitness.magnitude import Magnitude
from audition.apoptosis.heredity.mutation import Mutation
from audition.apoptosis.heredity.reset import Reset
from audition.apoptosis.layerwise import Band, Layerwise, assigned, layer_of
from audition.apoptosis.meta_evolution import MetaEvolution
from audition.apoptosis.nace_original import nearest
from audition.apoptosis.strategy import Strategy
from audition.apoptosis.timetable.spread import Spread
from audition.errors import AuditionError
from audition.recipe.batches import Clock, Shape
from audition.recipe.units import sites
from audition.session import begin
from audition.training.loop import train
from audition.training.step import advance

STEPS = 20


def trained(job, steps=STEPS):
    """The session after a run of `steps`, and the events of each step."""
    session = begin(job.recipe, job.seed, "cpu")
    reports = [advance(job, session, Clock(s, steps, s / steps)) for s in range(steps)]
    return session, [report.events for report in reports]


def same_weights(first, second):
    return all(torch.equal(p, second.params[name]) for name, p in first.params.items())


# fade


def test_a_dying_unit_fades_in_equal_parts_and_is_then_replaced(job_of):
    job = job_of("apoptosis=fade", "apoptosis.over=4", "apoptosis.timetable.interval=0.5")
    _, events = trained(job)
    happened = [(step, found) for step, found in enumerate(events) if found]
    assert [step + 1 for step, _ in happened] == [2, 3, 4, 5, 12, 13, 14, 15]
    for first in (0, 4):
        for number, (_, found) in enumerate(happened[first : first + 4]):
            for event in found:
                assert len(event.born) == (7 if number == 3 else 0)
                assert event.strategy == ("functional_preservation" if number == 3 else "fade")
    dying = happened[0][1][0].edits[0].index
    assert torch.equal(happened[3][1][0].born, dying)


def test_fading_multiplies_down_to_nought(job_of):
    """Without an optimizer that moves them, the weights are 3/4, 1/2, 1/4 of what they were."""
    overrides = ("apoptosis=fade", "apoptosis.over=4", "optimizer=sgd", "optimizer.lr=0")
    session, events = trained(job_of(*overrides), steps=4)  # would not end in time
    assert not any(events)
    job = job_of(*overrides, "apoptosis.timetable.start=0.05")
    session = begin(job.recipe, job.seed, "cpu")
    before = session.params["blocks.0.feedforward.down.weight"].detach().clone()
    for step in range(3):
        report = advance(job, session, Clock(step, STEPS, step / STEPS))
        dying = report.events[0].edits[0].index
        now = session.params["blocks.0.feedforward.down.weight"][:, dying]
        assert torch.allclose(now, before[:, dying] * (0.75 - 0.25 * step), rtol=1e-5)


def test_over_one_step_fading_is_the_plain_strategy(job_of):
    faded, _ = trained(job_of("apoptosis=fade", "apoptosis.over=1"))
    plain, _ = trained(job_of("apoptosis=functional_preservation"))
    assert same_weights(faded, plain)


# layerwise


def test_each_layer_has_its_own_rule(job_of):
    _, events = trained(job_of("apoptosis=layerwise", "model.layers=6"))
    found = {event.site: event for each in events for event in each}
    expected = ["crossover"] * 2 + ["mutation"] * 2 + ["functional_preservation"] * 2
    counts = [20, 20, 13, 13, 7, 7]  # of 128 at rates .15, .1, .05, rounded up
    sigmas = [0.4, 0.4, 0.3, 0.3, 0.2, 0.2]
    assert [layer_of(site) for site in found] == [f"blocks.{i}" for i in range(6)]
    assert [event.strategy for event in found.values()] == expected
    assert [len(event.born) for event in found.values()] == counts
    for event, sigma in zip(found.values(), sigmas, strict=True):
        assert event.facts["sigma"][0].item() == pytest.approx(sigma)


def parts(**settings):
    own = {"fitness": Magnitude(), "heredity": Reset(), "timetable": Spread()}
    return {**own, **settings}


def test_one_band_over_everything_is_the_plain_strategy(job_of):
    job = job_of()
    runs = []
    for turnover in (Strategy(**parts()), Layerwise(bands={"all": Band(**parts())})):
        runs.append(trained(replace(job, recipe=replace(job.recipe, apoptosis=turnover)))[0])
    assert same_weights(*runs)


@pytest.mark.parametrize(
    ("ranges", "sentence"),
    [
        (((0.0, 0.6), (0.5, 1.0)), ""),  # two layers, at a quarter and at three
        (((0.0, 0.8), (0.5, 1.0)), r"the bands a and b overlap on blocks\.1"),
        (((0.0, 0.5), (0.4, 0.6)), r"layers=\[0.4,0.6\] of the band b names none of the 2 layers"),
    ],
)
def test_bands_that_overlap_or_are_empty_are_refused(job_of, ranges, sentence):
    model = begin(job_of().recipe, 42, "cpu").model
    bands = {n: Band(**parts(layers=r)) for n, r in zip("ab", ranges, strict=True)}
    turnover = Layerwise(bands={**bands, "c": None})
    if not sentence:
        own = assigned(bands, sites(model))
        assert list(own.values()) == [["blocks.0.feedforward"], ["blocks.1.feedforward"]]
        turnover.init(sites(model), dict(model.named_parameters()))
        return
    with pytest.raises(AuditionError, match=sentence):
        turnover.init(sites(model), dict(model.named_parameters()))


def test_a_range_upside_down_is_refused():
    with pytest.raises(AuditionError, match="is not a range of depths"):
        Band(**parts(layers=(0.6, 0.4)))


def test_experts_of_one_block_are_of_one_layer():
    assert layer_of("blocks.3.feedforward.experts.11") == "blocks.3"
    assert layer_of("feedforward") == "feedforward"


# dynamic_topology


def test_units_go_where_they_are_worth_most_under_the_budget(job_of):
    job = job_of("apoptosis=dynamic_topology", "apoptosis.rate=0.1")
    session, events = trained(job)
    widths = {name: units.count for name, units in sites(session.model).items()}
    assert sum(widths.values()) == 256
    assert widths == dict(session.widths)
    assert any(event.resize != 128 for each in events for event in each)
    removed = [sum(len(e.removed) for e in each) for each in events if each]
    assert set(removed) == {26}
    for parameter in session.params.values():
        state = session.optimizer.state[parameter]
        assert all(m.shape in ((), parameter.shape) for m in state.values())


def test_what_leaves_is_the_least_fit_and_what_is_split_the_fittest():
    worth = {"a": torch.tensor([9.0, 8.0, 7.0, 0.1]), "b": torch.tensor([1.0, 2.0, 3.0, 4.0])}
    topology = DynamicTopology(**parts(rate=0.25))
    removed, added = topology.moved(worth, worth, {"a": 4, "b": 4})
    assert {n: r.tolist() for n, r in removed.items()} == {"a": [3], "b": [0]}
    assert added == {"a": 2, "b": 0}
    growing = DynamicTopology(**parts(rate=0.25, budget=2.0, widest=1.25))
    removed, added = growing.moved(worth, worth, {"a": 4, "b": 4})
    assert sum(map(len, removed.values())) == 2
    assert added == {"a": 2, "b": 2}  # up to five of each
    kept = DynamicTopology(**parts(rate=0.75, narrowest=0.75))
    removed, _ = kept.moved(worth, worth, {"a": 4, "b": 4})
    assert [len(r) for r in removed.values()] == [1, 1]


def test_a_smaller_budget_is_met_and_kept(job_of):
    overrides = ("apoptosis=dynamic_topology", "apoptosis.rate=0.1", "apoptosis.budget=0.75")
    session, _ = trained(job_of(*overrides))
    assert sum(units.count for units in sites(session.model).values()) == 192


# nace_original


def test_document_002s_run_kills_3060_units_of_1222721_parameters(settings_of):
    """Its model and its events, at 6 layers of 512, without its five thousand steps."""
    from audition.training.build import build

    settings = settings_of("experiment=document002", "data.batch_size=1", base=())
    assert settings["budget"]["steps"] == 5000
    job = build(settings)
    model = job.recipe.model(Shape((128,), 65))  # of the 65 characters of tiny-shakespeare
    assert sum(p.numel() for p in model.parameters()) == 1_222_721
    session = begin(job.recipe, 42, "cpu")
    steps = 10  # each tenth of the run is one
    born = 0
    for step in range(steps):
        report = advance(job, session, Clock(step, steps, step / steps))
        born += sum(len(event.born) for event in report.events)
    assert born == 3060
    assert session.apoptosis == {"events": 10}


def test_document_002_rewrites_rows_and_biases_alone(job_of):
    job = job_of("apoptosis=nace_original", "model.bias=true")
    _, events = trained(job, steps=10)
    assert [bool(each) for each in events] == [True] * 10
    for event in events[-1]:
        assert {edit.parameter.split(".", 2)[2] for edit in event.edits} == {
            "feedforward.up.weight",
            "feedforward.up.bias",
        }
        assert {edit.moments for edit in event.edits} == {"keep"}
        biases = next(e for e in event.edits if e.parameter.endswith("bias"))
        assert not biases.values.any()
        assert len(event.born) == 12  # a tenth of 128, rounded down


def test_its_parent_is_the_survivor_of_the_most_similar_activation():
    activity = torch.tensor([1.0, 5.0, 1.2, 4.6, 3.0])
    assert nearest(activity, torch.tensor([0, 3])).tolist() == [2, 1]


# meta_evolution


def test_on_a_bandit_with_a_known_best_the_policy_converges():
    generator = torch.Generator().manual_seed(0)
    own = policy.fresh(4, 64, 3, generator)
    features, best = torch.tensor([0.1, -0.2, 0.5, 0.3]), torch.tensor([0.7, -0.4, 0.2])
    rewards = (0.0, 0.0, 0)
    for _ in range(1500):
        action = policy.drawn_action(own, features, 0.3, generator)
        advantage, rewards = policy.advantage_of(-float((action - best).square().sum()), rewards)
        own = policy.reinforced(own, features, action, advantage, spread=0.3, rate=0.02)
    assert (policy.mean_action(own, features) - best).abs().max() < 0.15


def test_every_weight_of_the_policy_learns():
    generator = torch.Generator().manual_seed(0)
    before = policy.fresh(4, 8, 3, generator)
    own, features = before, torch.ones(4)
    for _ in range(2):  # the first step leaves the output weights other than zero
        action = policy.drawn_action(own, features, 0.3, generator)
        own = policy.reinforced(own, features, action, 1.0, spread=0.3, rate=0.3)
    assert all(not torch.equal(own[name], before[name]) for name in before)


def test_without_learning_it_is_the_static_strategy(job_of):
    own = {"fitness": Magnitude(), "heredity": Mutation(sigma=0.4)}
    job, runs = job_of(), []
    for turnover in (
        MetaEvolution(**own, rate=0.1, sigma=0.25, interval=0.2, learning_rate=0.0),
        Strategy(
            fitness=Magnitude(),
            heredity=Mutation(sigma=0.25),
            timetable=Spread(interval=0.2, start=0.1, until=0.9),
            rate=0.1,
        ),
    ):
        runs.append(trained(replace(job, recipe=replace(job.recipe, apoptosis=turnover)))[0])
    assert same_weights(*runs)


def test_windows_with_an_event_take_turns_with_windows_without(job_of):
    job = job_of("apoptosis=meta_evolution", "apoptosis.interval=0.1")
    session, events = trained(job, steps=60)
    happened = [step + 1 for step, each in enumerate(events) if each]
    gaps = [b - a for a, b in pairwise(happened)]
    assert happened[0] == 6  # after a tenth of the run
    assert max(happened) <= 54
    assert all(6 <= gap <= 24 for gap in gaps)  # two windows of three to twelve steps each
    state = session.apoptosis
    assert state["strategy"]["events"] == len(happened)
    assert state["rewards"][2] == len(happened) - 1
    assert state["policy"]["mean"].any()
    sigmas = [float(each[0].facts["sigma"][0]) for each in events if each]
    assert len(set(sigmas)) == len(sigmas)
    assert all(0.0 < sigma < 0.5 for sigma in sigmas)
    assert all(0 < len(e.born) <= 26 for each in events for e in each)


def test_no_action_leads_out_of_bounds():
    turnover = MetaEvolution(fitness=Magnitude(), heredity=Mutation())
    for action in ([0.0] * 3, [99.0] * 3, [-99.0] * 3):
        rate, sigma, interval = turnover.settings(torch.tensor(action))
        assert 0.0 < rate <= 0.2
        assert 0.0 < sigma <= 0.5
        assert 0.02 <= interval <= 0.08
    first = turnover.settings(torch.zeros(3))
    assert first == pytest.approx((0.05, 0.2, 0.04))


def test_a_heredity_without_noise_has_nothing_to_learn(job_of):
    model = begin(job_of().recipe, 42, "cpu").model
    turnover = MetaEvolution(fitness=Magnitude(), heredity=Reset())
    with pytest.raises(AuditionError, match="heredity=reset has no sigma to learn"):
        turnover.init(sites(model), dict(model.named_parameters()))


# resume


@pytest.mark.parametrize("stop", [2, 4, 7, 9])
@pytest.mark.parametrize(
    "overrides",
    [
        ("apoptosis=fade", "apoptosis.over=3", "apoptosis.timetable.interval=0.3"),
        ("apoptosis=dynamic_topology", "apoptosis.rate=0.1", "apoptosis.maturity=0.2"),
        ("apoptosis=meta_evolution", "apoptosis.interval=0.1"),
    ],
    ids=["fade", "topology", "meta"],
)
def test_stopped_inside_or_between_events_a_run_goes_on_with_its_bits(
    job_of, overrides, stop, differences
):
    job = job_of(*overrides, "budget.steps=14")
    whole = train(job).session.snapshot()
    stopped = train(job, interrupted=lambda step: step == stop).session.snapshot()
    resumed = train(job_of(*overrides, "budget.steps=14"), resume=stopped).session.snapshot()
    for snapshot in (whole, resumed):
        del snapshot["seconds"]
    assert not differences(whole, resumed)

"""Edges between hidden units: what they carry, when they begin, and that they die with their units."""

from dataclasses import replace

import pytest
import torch
from tests.apoptosis.conftest import Growing, Shrinking, Turning
from tests.parts.models import FEEDFORWARDS, NORMS

from audition.apoptosis.surgery import Weights, operate
from audition.errors import AuditionError
from audition.parts.attention.causal import Causal
from audition.parts.feedforward.moe import MixtureOfExperts
from audition.parts.gpt import GPT
from audition.parts.initial import initialise
from audition.parts.optim.adamw import AdamW
from audition.parts.positional.learned import Learned
from audition.parts.skip.none import NoSkip
from audition.parts.skip.sparse_fitness import Bundle, SparseFitness
from audition.recipe.batches import Clock, Shape
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.recipe.turnover import Edit, Event, Turnover
from audition.recipe.units import sites
from audition.session import begin
from audition.training.loop import train
from audition.training.rehearsal import rehearse
from audition.training.step import advance

SIZES = {"layers": 4, "heads": 2, "width": 16, "context": 8}
TOKENS = torch.randint(11, (3, 8), generator=torch.Generator().manual_seed(0))
OFTEN = ("skip=sparse_fitness", "skip.edges=6", "model.layers=3", "skip.events=4")


def model_of(skip, feedforward="gelu"):
    ff = FEEDFORWARDS[feedforward] if isinstance(feedforward, str) else feedforward
    parts = (Causal(), Learned(), NORMS["layernorm"], ff, skip)
    model = GPT(Shape((8,), 11), *parts, **SIZES)
    initialise(model, Streams(0))
    return model


def wire(bundle, edges, weight=None):
    """Edges (from, to) in the first slots."""
    for slot, (source, target) in enumerate(edges):
        bundle.source[slot], bundle.target[slot], bundle.there[slot] = source, target, True
        bundle.weight.data[slot] = 0.0 if weight is None else weight[slot]


def test_edges_are_a_dense_masked_product():
    generator = torch.Generator().manual_seed(1)
    bundle = Bundle(5)
    bundle.weight.data.normal_(generator=generator)
    wire(bundle, [(0, 3), (2, 3), (2, 0)], bundle.weight.tolist())
    h, earlier = (
        torch.randn(2, 4, 6, generator=generator),
        torch.randn(2, 4, 7, generator=generator),
    )
    dense = torch.zeros(6, 7)
    for k in range(3):
        dense[bundle.target[k], bundle.source[k]] += bundle.weight[k].detach()
    torch.testing.assert_close(bundle(h, earlier), h + earlier @ dense.T)


@pytest.mark.parametrize("feedforward", ["gelu", "squared relu", "swiglu"])
def test_a_new_edge_leaves_the_logits_and_has_the_gradient_of_its_pair(feedforward):
    plain, wired = model_of(NoSkip(), feedforward), model_of(SparseFitness(edges=4), feedforward)
    wire(wired.skip.bundles[0], [(5, 7), (5, 2), (9, 7)])
    wire(wired.skip.bundles[1], [(1, 0)])
    assert torch.equal(plain(TOKENS), wired(TOKENS))
    kept = {}

    def keep(layer):
        def hook(module, inputs):
            inputs[0].retain_grad()
            kept[layer] = inputs[0]

        return hook

    for layer, block in enumerate(wired.blocks):
        block.feedforward.down.register_forward_pre_hook(keep(layer))
    wired(TOKENS).log_softmax(-1)[..., 3].sum().backward()
    for number, bundle in enumerate(wired.skip.bundles):
        delta, h = kept[number + 2].grad, kept[number]
        for k in range(4):
            expected = (delta[..., bundle.target[k]] * h[..., bundle.source[k]]).sum()
            found = bundle.weight.grad[k]
            assert found == (pytest.approx(expected.item(), rel=1e-4) if bundle.there[k] else 0.0)
    assert wired.skip.bundles[0].weight.grad[:3].abs().min() > 0


def test_an_edge_carries_the_signal_on():
    """What ends in a unit begins there again: edges of edges."""
    model = model_of(SparseFitness(edges=2, span=1))
    wire(model.skip.bundles[0], [(4, 6)], [3.0])
    wire(model.skip.bundles[1], [(6, 1)], [2.0])
    seen = []
    for block in model.blocks:
        block.feedforward.down.register_forward_pre_hook(lambda m, i: seen.append(i[0]))
    before = [
        block.feedforward.register_forward_pre_hook(
            lambda m, i, n=n: seen.append(m.hidden(i[0])) if n else None
        )
        for n, block in enumerate(model.blocks)
    ]
    model(TOKENS)
    assert len(before) == 4
    h0, pure1, h1, pure2, h2 = seen[:5]
    torch.testing.assert_close(h1[..., 6], pure1[..., 6] + 3.0 * h0[..., 4])
    torch.testing.assert_close(h2[..., 1], pure2[..., 1] + 2.0 * h1[..., 6])
    assert not model.skip.seen  # no activations are kept after a pass


@pytest.mark.parametrize(
    ("skip", "feedforward", "why"),
    [
        (SparseFitness(span=4), "gelu", "skip.span=4 connects no two blocks"),
        (SparseFitness(), MixtureOfExperts(experts=2), "Mixture of block 0 has none of its own"),
    ],
)
def test_what_cannot_be_wired_is_refused(skip, feedforward, why):
    with pytest.raises(AuditionError, match=why):
        model_of(skip, feedforward)


def test_no_time_for_edges_is_refused():
    with pytest.raises(AuditionError, match="leave no time for edges"):
        SparseFitness(start=0.5, until=0.5)


class Nobody(Turnover):
    """Events that a test gives."""

    def __init__(self, events=()):
        self.events = events

    def propose(self, probe, gradient, state, view):
        return self.events, state


class Shown:
    """A probe that shows the sites alone."""

    def __init__(self, model):
        self.sites = sites(model)


def stepped(model, rewiring, state, step, worth=None, closed=False):
    """(events, state) after a step of ten whose gradient makes each unit worth what is given."""
    params = dict(model.named_parameters())
    grads = {name: torch.zeros_like(p) for name, p in params.items()}
    for layer, values in (worth or {}).items():
        name = f"blocks.{layer}.feedforward.down.weight"
        params[name] = torch.ones_like(params[name])
        grads[name] = torch.zeros_like(params[name])
        grads[name][0] = torch.as_tensor(values)
    view = View(Clock(step, 10, step / 10), Controls(), params, Streams(3))
    gradient = Gradient({} if closed else grads, {}, Cost(), closed=closed)
    return rewiring.propose(Shown(model), gradient, state, view)


def performed(model, events):
    params = dict(model.named_parameters())
    optimizer = AdamW()(params)
    operate(Weights(model, params, optimizer), events)


def edges_of(bundle):
    return {
        (s, t)
        for s, t, there in zip(
            *(each.tolist() for each in (bundle.source, bundle.target, bundle.there)), strict=True
        )
        if there
    }


@pytest.fixture
def grown():
    """A model of which the fittest units of blocks 0 and 1 have an edge, and the state."""
    skip = SparseFitness(edges=4, quantile=0.95, memory=0.0, events=2, start=0.1, until=0.9)
    model, rewiring = model_of(skip), skip.turnover(Nobody())
    state = rewiring.init(sites(model), dict(model.named_parameters()))
    worth = {0: torch.arange(64.0), 1: torch.arange(64.0).flip(0)}
    events, state = stepped(model, rewiring, state, 0, worth)
    assert not events  # before the tenth of the budget
    events, state = stepped(model, rewiring, state, 1, worth)
    performed(model, events)
    return model, rewiring, state, worth


def test_the_fit_get_an_edge_each_and_no_more_than_there_is_room_for(grown):
    model, rewiring, state, worth = grown
    first, second = model.skip.bundles
    # .95 of 64 units is 59.85: four are over it
    assert {source for source, _ in edges_of(first)} == {60, 61, 62, 63}
    assert {source for source, _ in edges_of(second)} == {0, 1, 2, 3}
    assert not first.weight.any()
    for step in (2, 3, 4):  # the second event waits for its time
        assert not stepped(model, rewiring, state, step, worth)[0]
    events, state = stepped(model, rewiring, state, 5, worth)
    assert not events  # and finds no free slot
    assert state["done"] == 2


def test_a_closed_step_counts_for_nothing(grown):
    model, rewiring, state, _ = grown
    events, after = stepped(model, rewiring, state, 6, closed=True)
    assert not events
    assert after == {**state, "inner": None}


@pytest.mark.parametrize("end", ["source", "target"])
def test_an_edge_dies_with_either_of_its_units(grown, end):
    model, rewiring, state, worth = grown
    bundle = model.skip.bundles[0]
    bundle.weight.data.fill_(0.5)
    before = edges_of(bundle)
    source, target = next(iter(sorted(before)))
    site, unit = (
        ("blocks.0.feedforward", source) if end == "source" else ("blocks.2.feedforward", target)
    )
    born = torch.tensor([unit])
    death = Event(site, born, born.new_empty((1, 0)))
    events, after = stepped(model, replace(rewiring, inner=Nobody([death])), state, 2, worth)
    performed(model, events)
    gone = {e for e in before if e[0 if end == "source" else 1] == unit}
    assert gone
    assert edges_of(bundle) == before - gone
    assert not bundle.weight[~bundle.there].any()
    assert (bundle.weight[bundle.there] == 0.5).all()
    for key, value in after["wires"]["skip.bundles.0"].items():
        assert torch.equal(value, getattr(bundle, key))


def test_edges_follow_units_that_get_other_numbers(grown):
    model, rewiring, state, worth = grown
    bundle = model.skip.bundles[0]
    before = edges_of(bundle)
    removed = torch.tensor([0, 5, 61])
    nobody = removed[:0]
    leave = Event(
        "blocks.0.feedforward", nobody, nobody.new_empty((0, 0)), resize=61, removed=removed
    )
    events, after = stepped(model, replace(rewiring, inner=Nobody([leave])), state, 2, worth)
    performed(model, events)
    moved = {60: 58, 62: 59, 63: 60}
    assert edges_of(bundle) == {(moved[s], t) for s, t in before if s != 61}
    assert len(after["worth"]["blocks.0.feedforward"]) == 61
    model(TOKENS)  # no index is out of range


def test_moments_of_a_new_edge_are_zero(job_of):
    job = job_of(*OFTEN, "skip.span=1", "budget.steps=12")
    session = begin(job.recipe, job.seed, "cpu")
    for step in range(6):
        advance(job, session, Clock(step, 12, step / 12))
    bundle = session.model.skip.bundles[0]
    parameter = session.params["skip.bundles.0.weight"]
    moment = session.optimizer.state[parameter]["exp_avg"]
    assert bundle.there.any()
    assert moment[bundle.there].any()
    edit = Edit("skip.bundles.0.weight", 0, torch.arange(2), torch.zeros(2))
    operate(
        Weights(session.model, session.params, session.optimizer),
        [Event("blocks.0.feedforward", *(torch.empty(0, dtype=torch.int64),) * 2, (edit,))],
    )
    assert not moment[:2].any()


def test_a_run_trains_its_edges(trained):
    outcome = trained(*OFTEN, "skip.span=1")
    for bundle in outcome.session.model.skip.bundles:
        assert 0 < bundle.there.sum() <= 6
        assert bundle.weight[bundle.there].abs().min() > 0
        assert not bundle.weight[~bundle.there].any()


@pytest.mark.parametrize("kind", [Growing, Shrinking, Turning, None])
def test_no_edge_ends_in_a_dead_unit(job_of, kind):
    """Through other widths, and through apoptosis that takes a third of the units at a time."""
    heavy = ("apoptosis=functional_preservation", "apoptosis.rate=0.3")
    often = (
        "apoptosis/timetable=periodic",
        "apoptosis.timetable.interval=2",
        "apoptosis.timetable.warmup=1",
    )
    job = job_of(*OFTEN, "skip.quantile=0.5", *(() if kind else (*heavy, *often)))
    turnover = job.recipe.apoptosis
    if kind:
        turnover = replace(turnover, inner=kind())
        job = replace(job, recipe=replace(job.recipe, apoptosis=turnover))
    outcome = train(job)
    (bundle,) = outcome.session.model.skip.bundles
    wires = outcome.session.apoptosis["wires"]["skip.bundles.0"]
    for key, value in wires.items():
        assert torch.equal(value, getattr(bundle, key))
    counts = {name: units.count for name, units in sites(outcome.session.model).items()}
    assert bundle.source.max() < counts["blocks.0.feedforward"]
    assert bundle.target.max() < counts["blocks.2.feedforward"]
    assert outcome.status == "finished"


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        (("parallel=fsdp", "parallel.processes=2", "data.batch_size=8"), "works on whole units"),
        (("execution.pack=2",), "edges begin and end at other units in each run"),
    ],
)
def test_runs_that_cannot_have_edges_are_refused(settings_of, overrides, why):
    assert why in rehearse(settings_of(*OFTEN, *overrides))

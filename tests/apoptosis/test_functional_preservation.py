"""Splitting a parent: who inherits, how much, and that the layer goes on computing what it did."""

from math import ceil

import pytest
import torch

from audition.apoptosis.heredity.functional_preservation import FunctionalPreservation
from audition.apoptosis.strategy import Site
from audition.apoptosis.surgery import operate
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.units import sites

LAYERS = ["blocks.0.feedforward", "blocks.1.feedforward"]
HIDDEN = 128


def edits_of(event, parameter):
    """The edits that an event makes of one parameter of its site, the born first."""
    return [edit for edit in event.edits if edit.parameter == f"{event.site}.{parameter}"]


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.3, 0.5])
def test_exactly_the_least_fit_die(event, rate):
    _, after, events = event(rate=rate)
    state = after["fitness"]
    assert [e.site for e in events] == LAYERS
    for e in events:
        count = ceil(rate * HIDDEN)
        ranked = state[e.site].argsort().tolist()
        assert set(e.born.tolist()) == set(ranked[:count])
        assert e.parents.shape == (count, 1)
        assert set(e.parents.flatten().tolist()) == set(ranked[-count:])
        assert not set(e.born.tolist()) & set(e.parents.flatten().tolist())
        assert torch.equal(e.fitness, state[e.site])


def test_no_unit_dies_as_a_parent_where_few_are(event):
    _, _, events = event("feedforward.ratio=0.15625", rate=0.5)  # five units
    for e in events:
        assert len(e.born) == 3
        assert not set(e.born.tolist()) & set(e.parents.flatten().tolist())


@pytest.mark.parametrize("bias", [True, False])
def test_split_shares_the_parents_column(event, bias):
    session, _, events = event(f"model.bias={bias}", rate=0.2)
    for e in events:
        parents = e.parents.flatten()
        up, down = (session.params[f"{e.site}.{which}.weight"] for which in ("up", "down"))
        (copied,) = edits_of(e, "up.weight")
        child, parent = edits_of(e, "down.weight")
        assert torch.equal(copied.index, e.born)
        assert torch.equal(copied.values, up[parents])
        assert torch.equal(child.index, e.born)
        assert torch.equal(parent.index, parents)
        assert torch.allclose(child.values + parent.values, down[:, parents], atol=1e-7)
        share = (child.values / down[:, parents]).mean(0)
        assert torch.allclose(share, e.facts["alpha"], atol=1e-5)
        assert ((share > 0.299) & (share < 0.701)).all()
        assert ((share - 0.5).abs() >= 0.0099).all()
        assert share.std() > 0.05
        assert e.strategy == "functional_preservation"
        biases = edits_of(e, "up.bias")
        assert len(biases) == bias
        for edit in biases:
            assert torch.equal(edit.values, session.params[f"{e.site}.up.bias"][parents])


@pytest.mark.parametrize("overrides", [(), ("model.bias=true", "feedforward=squared_relu")])
def test_rebirth_keeps_the_function_but_for_the_dead(event, weights_to_cut, overrides):
    session, _, events = event(*overrides, rate=0.3)
    model = session.model.eval()
    inputs = session.batches.train(Clock(0)).inputs
    with torch.no_grad():
        whole = model(inputs)
        for e in events:
            session.params[f"{e.site}.down.weight"][:, e.born] = 0.0
        ablated = model(inputs)
        operate(weights_to_cut(session), events)
        reborn = model(inputs)
    assert torch.allclose(reborn, ablated, atol=1e-5)
    assert not torch.allclose(whole, ablated, atol=1e-5)


def test_noise_is_relative_to_the_row(event):
    session, _, events = event(rate=0.3, sigma=0.5)
    for e in events:
        rows = session.params[f"{e.site}.up.weight"][e.parents.flatten()]
        (copied,) = edits_of(e, "up.weight")
        moved = (copied.values - rows).std(1) / rows.std(1)
        assert moved.mean().item() == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("policy", ["zero", "keep", "copy"])
def test_the_policy_of_moments_is_that_of_every_edit(event, policy):
    _, _, events = event("model.bias=true", rate=0.1, moments=policy)
    for e in events:
        assert len(e.edits) == 4
        for edit in e.edits:
            assert edit.moments == policy
            expected = e.parents.flatten() if policy == "copy" else None
            assert expected is None if edit.source is None else torch.equal(edit.source, expected)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"alpha": (0.5, 0.5)}, "the same gradients for ever"),
        ({"alpha": (0.7, 0.3)}, "is not a range of shares"),
        ({"alpha": (0.0, 0.5)}, "is not a range of shares"),
        ({"alpha": (0.5, 1.0)}, "is not a range of shares"),
    ],
)
def test_shares_that_would_never_part_or_are_none_are_refused(settings, sentence):
    with pytest.raises(AuditionError, match=sentence):
        FunctionalPreservation(**settings)


def test_halves_with_noise_are_halves(event):
    _, _, events = event(rate=0.1, alpha=(0.5, 0.5), sigma=0.1)
    for e in events:
        assert torch.equal(e.facts["alpha"], torch.full((len(e.born),), 0.5))


def test_halves_without_noise_never_part_and_other_shares_do(
    event, weights_to_cut, gradient_of, job_of
):
    """The trap behind the refusal: twins get the same gradients, so training cannot part them."""
    session, _, events = event(rate=0.1)
    operate(weights_to_cut(session), events)
    site, child, parent = events[0].site, events[0].born, events[0].parents.flatten()
    down = session.params[f"{site}.down.weight"]
    own = gradient_of(job_of(), session).grads[f"{site}.up.weight"]
    assert not torch.allclose(own[child], own[parent], rtol=1e-3)
    with torch.no_grad():
        half = (down[:, child] + down[:, parent]) / 2
        down[:, child], down[:, parent] = half, half
    own = gradient_of(job_of(), session).grads[f"{site}.up.weight"]
    assert torch.allclose(own[child], own[parent], rtol=1e-5, atol=1e-9)


def test_a_parent_of_several_gives_each_its_part(session_of, view_of):
    """28 survivors have 100 children: the outgoing weights still add up to what they were."""
    _, session = session_of()
    units, born = sites(session.model)[LAYERS[0]], torch.arange(100)
    event = FunctionalPreservation().replace(
        Site(LAYERS[0], units), born, torch.rand(HIDDEN), None, view_of(session)
    )
    down = session.params["blocks.0.feedforward.down.weight"].detach()
    assert set(event.parents.flatten().tolist()) == set(range(100, HIDDEN))
    after = down.clone()
    for edit in edits_of(event, "down.weight"):
        after.index_copy_(edit.axis, edit.index, edit.values)
    assert torch.allclose(after.sum(1), down[:, 100:].sum(1), atol=1e-6)

"""Folding: the error that is left is what the definition says, and ridge leaves no more than mean."""

import pytest
import torch

from audition.apoptosis.folding import folded
from audition.apoptosis.heredity.functional_preservation import FunctionalPreservation
from audition.apoptosis.strategy import Site, Strategy
from audition.apoptosis.surgery import operate
from audition.apoptosis.timetable.spread import Spread
from audition.errors import AuditionError
from audition.recipe.units import sites
from audition.training.step import probe_of

LAYER = "blocks.0.feedforward"


def layers(tokens=50, units=8, outputs=5):
    """Activations [N, H] of related units, and outgoing weights [O, H]."""
    draw = torch.Generator().manual_seed(3)
    hidden = torch.randn(tokens, 4, generator=draw, dtype=torch.float64)
    mixed = hidden @ torch.randn(4, units, generator=draw, dtype=torch.float64)
    h = torch.relu(mixed + 0.1 * torch.randn(tokens, units, generator=draw, dtype=torch.float64))
    return h, torch.randn(outputs, units, generator=draw, dtype=torch.float64)


def left_over(h, matrix, dead, alive, ridge, centred=True):
    """The change of the layer's output [N, O]."""
    moved, bias = folded(h, matrix, dead, alive, ridge, centred=centred)
    return h[:, alive] @ moved.T + bias - h @ matrix.T


def test_folding_the_mean_leaves_what_the_unit_varied_by():
    h, matrix = layers()
    dead, alive = torch.tensor([3]), torch.tensor([0, 1, 2, 4, 5, 6, 7])
    error = left_over(h, matrix, dead, alive, None).abs().max()
    expected = ((h[:, 3] - h[:, 3].mean())[:, None] * matrix[:, 3]).abs().max()
    assert error.item() == pytest.approx(expected.item(), rel=1e-12)
    h[:, 3] = 2.5  # a constant unit is replaced exactly
    assert left_over(h, matrix, dead, alive, None).abs().max() < 1e-13


@pytest.mark.parametrize("ridge", [1e-6, 1e-2, 10.0])
@pytest.mark.parametrize("dead", [[3], [0, 5, 6]])
def test_ridge_leaves_no_more_than_the_mean(ridge, dead):
    h, _ = layers()
    alive = torch.tensor([j for j in range(8) if j not in dead])
    unit = torch.eye(8, dtype=torch.float64)[dead]  # the error of each unit by itself
    by_ridge = left_over(h, unit, torch.tensor(dead), alive, ridge).square().sum(0)
    by_mean = left_over(h, unit, torch.tensor(dead), alive, None).square().sum(0)
    assert (by_ridge < by_mean).all()
    without = left_over(h, unit, torch.tensor(dead), alive, ridge, centred=False).square().sum(0)
    assert (without < h[:, dead].square().sum(0)).all()


def test_a_copy_of_a_survivor_is_folded_whole():
    h, matrix = layers()
    h[:, 3] = h[:, 1]
    dead, alive = torch.tensor([3]), torch.tensor([0, 1, 2, 4, 5, 6, 7])
    assert left_over(h, matrix, dead, alive, 1e-12).abs().max() < 1e-6


@pytest.mark.parametrize("fold", ["mean", "ridge"])
def test_an_event_folds_and_then_splits(session_of, view_of, fold, weights_to_cut):
    """The layer's output after the event, but for the folded error, is that of before."""
    job, session = session_of("model.bias=true")
    view, module = view_of(session), session.model.get_submodule(LAYER)
    site = Site(LAYER, sites(session.model)[LAYER])
    probe = probe_of(job, session, 4)
    h = probe.activations(view.clock.step)[LAYER]
    with torch.no_grad():
        before = module.down(h)
        born = torch.tensor([5, 17])
        heredity = FunctionalPreservation(fold=fold, ridge=1e-4)
        event = heredity.replace(site, born, torch.rand(128), probe, view)
        operate(weights_to_cut(session), [event])
        h = h.clone()
        h[..., born] = h[..., event.parents[:, 0]]  # what the children compute
        after = module.down(h)
    dead = probe.activations(view.clock.step)[LAYER][..., born].flatten(0, 1).double()
    varied = (dead - dead.mean(0)).abs().max() * 0.2
    assert 0.0 < (after - before).abs().max() < varied
    assert probe.cost.forward == pytest.approx(1.0)


@pytest.mark.parametrize(("double", "bound"), [(False, 1e-5), (True, 1e-12)])
def test_the_split_alone_leaves_the_logits(session_of, view_of, weights_to_cut, double, bound):
    """Units that are added are split off others, and no unit dies."""
    _, session = session_of()
    if double:
        session.model.double()
    model, inputs = session.model.eval(), session.batches.train(view_of(session).clock).inputs
    site = Site(LAYER, sites(session.model)[LAYER])
    with torch.no_grad():
        before = model(inputs)
        born = torch.arange(128, 150)
        event = FunctionalPreservation().replace(
            site, born, torch.rand(128), None, view_of(session)
        )
        operate(weights_to_cut(session), [event])
        assert (model(inputs) - before).abs().max() < bound


def test_a_fold_that_the_layer_does_not_allow_is_refused(session_of):
    _, session = session_of()  # without biases
    for fold, allowed in (("mean", False), ("ridge", True), ("none", True)):
        heredity = FunctionalPreservation(fold=fold)
        strategy = Strategy(fitness=None, heredity=heredity, timetable=Spread())
        site = Site(LAYER, sites(session.model)[LAYER])
        if allowed:
            strategy.heredity.check(site)
        else:
            with pytest.raises(AuditionError, match="fold=mean needs a bias"):
                strategy.heredity.check(site)

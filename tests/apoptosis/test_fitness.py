"""What a unit is worth: each measure on layers small enough to reckon by hand."""

from types import SimpleNamespace

import pytest
import torch

from audition.apoptosis.fitness.gradient_activation import GradientActivation
from audition.apoptosis.fitness.magnitude import Magnitude
from audition.apoptosis.fitness.multi_objective import (
    MultiObjective,
    diversity,
    pareto,
    stability,
    standardised,
)
from audition.apoptosis.fitness.saliency import Saliency
from audition.apoptosis.strategy import Site
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.recipe.units import Part, Units

PARTS = (Part("up", 0, "incoming"), Part("bias", 0, "incoming"), Part("down", 1, "outgoing"))
SITE = Site("layer", Units(4, PARTS, read_by="down", made_by="up"))


@pytest.fixture
def view():
    """Four units that read three channels and write two."""
    draw = torch.Generator().manual_seed(0)
    weights = {
        "up": torch.randn(4, 3, generator=draw),
        "bias": torch.randn(4, generator=draw),
        "down": torch.randn(2, 4, generator=draw),
    }
    return View(Clock(3, 10, 0.3), Controls(), weights, Streams(42))


@pytest.fixture
def probe():
    """Activations [B, T, H] of which unit 0 is constant and unit 1 always nought."""
    h = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1))
    h[..., 0], h[..., 1] = 3.0, 0.0
    return SimpleNamespace(
        activations=lambda number: {"layer": h}, inputs=lambda number: {"layer": h - 1.0}, h=h
    )


def test_magnitude_is_the_product_of_norms(view):
    found = Magnitude().score(SITE, None, None, view)
    up, down = view.params["up"], view.params["down"]
    assert torch.allclose(found, up.norm(dim=1) * down.norm(dim=0))


def test_document_002s_formula(view, probe):
    fitness = GradientActivation()
    grads = {name: torch.randn_like(w) for name, w in view.params.items()}
    state = fitness.init(SITE, view.params)
    state = fitness.observe(SITE, Gradient(grads, {}, Cost()), state, view)
    found = fitness.score(SITE, probe, state, view)
    expected = grads["up"].norm(dim=1) * (probe.h - 1.0).abs().mean((0, 1))
    assert torch.allclose(found, expected)
    bare = Site("layer", Units(4, PARTS))
    with pytest.raises(AuditionError, match="choose apoptosis/fitness=saliency"):
        fitness.init(bare, view.params)


def test_importance_alone_is_saliency(view):
    grads = {name: torch.randn_like(w) for name, w in view.params.items()}
    found = []
    for fitness in (Saliency(), MultiObjective(diversity=0.0, stability=0.0, efficiency=0.0)):
        state = fitness.observe(
            SITE, Gradient(grads, {}, Cost()), fitness.init(SITE, view.params), view
        )
        found.append(fitness.score(SITE, None, state, view))
    assert torch.equal(*found)


def test_duplicates_have_no_diversity(view):
    weights = dict(view.params)
    weights["up"] = weights["up"].clone()
    weights["up"][2] = 7.0 * weights["up"][0]
    found = diversity(SITE, weights)
    assert found[[0, 2]].abs().max() < 1e-6
    assert (found[[1, 3]] > 1e-3).all()


def test_a_constant_unit_is_the_most_stable(probe):
    found = stability(probe.h)
    assert found[0] == found[1] == 0.0
    assert (found[2:] < 0.0).all()
    varying = probe.h[..., 2].flatten()
    expected = -varying.std(correction=0) / varying.mean().abs()
    assert found[2].item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_standardised_the_unit_of_an_objective_does_not_matter(scale):
    values = torch.tensor([1.0, 2.0, 4.0, 9.0])
    assert torch.allclose(standardised(values), standardised(scale * values + 3.0), atol=2e-3)
    assert torch.equal(standardised(torch.full((4,), 2.0)), torch.zeros(4))


def test_the_weighted_sum_is_the_one_written(view, probe):
    state = torch.tensor([1.0, 2.0, 3.0, 4.0])
    found = MultiObjective().score(SITE, probe, state, view)
    up, down = view.params["up"], view.params["down"]
    parts = (
        (0.4, state),
        (0.3, diversity(SITE, view.params)),
        (0.2, stability(probe.h)),
        (0.1, -up.norm(dim=1) * down.norm(dim=0)),
    )
    expected = sum(w * (x - x.mean()) / x.std(correction=0) for w, x in parts)
    assert torch.allclose(found, expected, atol=1e-5)


def test_pareto_ranks_by_fronts():
    #       best of all   one front of two        dominated by both   worst
    scores = torch.tensor([[9.0, 5.0, 2.0, 1.0, 0.0], [9.0, 2.0, 5.0, 1.5, 0.0]])
    found = pareto(scores, scores.sum(0) + torch.tensor([0.0, 0.1, 0.0, 0.0, 0.0]))
    assert found.argsort(descending=True).tolist() == [0, 1, 2, 3, 4]
    assert found.floor().tolist() == [3.0, 2.0, 2.0, 1.0, 0.0]


def test_without_any_weight_there_is_no_fitness():
    with pytest.raises(AuditionError, match="every weight of the fitness is 0: set one of import"):
        MultiObjective(importance=0.0, diversity=0.0, stability=0.0, efficiency=0.0)

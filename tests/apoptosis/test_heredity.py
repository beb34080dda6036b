"""Children of one parent, of two and of none: what they inherit, and what they leave as it was."""

import pytest
import torch

from audition.apoptosis.heredity.crossover import Crossover
from audition.apoptosis.heredity.mutation import Mutation
from audition.apoptosis.heredity.noise import Noise
from audition.apoptosis.inheritance import drawn
from audition.apoptosis.strategy import Site
from audition.recipe.batches import Clock
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.recipe.units import Part, Units

H, C, OUT = 12, 40, 7
SITE = Site(
    "layer",
    Units(
        H,
        (
            Part("up", 0, "incoming"),
            Part("bias", 0, "incoming"),
            Part("down", 1, "outgoing"),
        ),
    ),
)
BORN = torch.tensor([2, 9, 4])


@pytest.fixture
def view():
    """Random weights of one layer."""
    draw = torch.Generator().manual_seed(1)
    shapes = {"up": (H, C), "bias": (H,), "down": (OUT, H)}
    weights = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    return View(Clock(5, 10, 0.5), Controls(), weights, Streams(42))


FITNESS = torch.linspace(1.0, 2.0, H)


def after(event, view):
    """The weights once an event's edits are made."""
    weights = {name: w.clone() for name, w in view.params.items()}
    for edit in event.edits:
        weights[edit.parameter].index_copy_(edit.axis, edit.index, edit.values)
    return weights


def the_others_keep_their_bits(event, before, weights, *, also=()):
    """But for the born, and the outgoing weights of `also`."""
    kept = torch.ones(H, dtype=torch.bool)
    kept[event.born] = False
    assert torch.equal(weights["up"][kept], before["up"][kept])
    assert torch.equal(weights["bias"][kept], before["bias"][kept])
    kept[list(also)] = False
    assert torch.equal(weights["down"][:, kept], before["down"][:, kept])


def test_a_mutation_is_its_parent_and_relative_noise(view):
    event = Mutation(sigma=0.3).replace(SITE, BORN, FITNESS, None, view)
    weights, parents = after(event, view), event.parents[:, 0]
    the_others_keep_their_bits(event, view.params, weights)
    assert not set(parents.tolist()) & set(BORN.tolist())
    rows = view.params["up"][parents]
    moved = (weights["up"][BORN] - rows).square().mean(1).sqrt() / rows.square().mean(1).sqrt()
    assert ((moved > 0.2) & (moved < 0.4)).all()
    assert torch.equal(weights["bias"][BORN], view.params["bias"][parents])
    assert (weights["down"][:, BORN] == 0.0).all()
    assert torch.equal(event.facts["sigma"], torch.full((3,), 0.3))


def test_without_noise_a_mutation_is_a_clone(view):
    event = Mutation(sigma=0.0).replace(SITE, BORN, FITNESS, None, view)
    weights, parents = after(event, view), event.parents[:, 0]
    assert torch.equal(weights["up"][BORN], view.params["up"][parents])


def test_a_mutation_may_keep_the_dead_units_outgoing_weights(view):
    event = Mutation(outgoing="keep").replace(SITE, BORN, FITNESS, None, view)
    assert torch.equal(after(event, view)["down"], view.params["down"])


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_noise_follows_the_scale_of_the_row(view, scale):
    event = Mutation(sigma=0.5).replace(SITE, BORN, FITNESS, None, view)
    scaled = View(
        view.clock, view.controls, {n: w * scale for n, w in view.params.items()}, view.streams
    )
    other = Mutation(sigma=0.5).replace(SITE, BORN, FITNESS, None, scaled)
    assert torch.allclose(other.edits[0].values, event.edits[0].values * scale, rtol=1e-4)


def test_parents_are_drawn_in_proportion_to_fitness():
    fitness = torch.tensor([0.0, 1.0, 2.0, 3.0, 100.0])
    born = torch.full((4000,), 4)
    found = torch.bincount(drawn(born, fitness, 1, torch.Generator().manual_seed(0))[:, 0])
    expected = 4000 * fitness[1:4] / 6
    chi_squared = ((found[1:4] - expected).square() / expected).sum()
    assert found[0] == 0
    assert len(found) == 4
    assert chi_squared < 13.8  # 2 degrees of freedom, p = .001


@pytest.mark.parametrize("fitness", [[0.0] * 4, [0.0, 0.0, 0.0, 5.0], [-3.0, -1.0, -2.0, -9.0]])
def test_two_parents_are_distinct_whatever_their_fitness(fitness):
    born = torch.zeros(50, dtype=torch.int64)
    found = drawn(born, torch.tensor(fitness), 2, torch.Generator().manual_seed(0))
    assert (found[:, 0] != found[:, 1]).all()
    assert (found != 0).all()


@pytest.mark.parametrize("alpha", ["fixed", "fitness", "random"])
def test_a_crossovers_child_is_on_the_segment_between_its_parents(view, alpha):
    event = Crossover(alpha=alpha, sigma=0.0).replace(SITE, BORN, FITNESS, None, view)
    weights, (first, second) = after(event, view), event.parents.T
    assert (first != second).all()
    share = event.facts["alpha"][:, None]
    blend = share * view.params["up"][first] + (1.0 - share) * view.params["up"][second]
    assert torch.allclose(weights["up"][BORN], blend, atol=1e-6)
    assert ((share >= 0.0) & (share <= 1.0)).all()
    before, kept = view.params["down"], torch.ones(H, dtype=torch.bool)
    kept[BORN] = False
    assert torch.allclose(weights["down"].sum(1), before[:, kept].sum(1), atol=1e-5)
    givers = event.parents.flatten().tolist()
    the_others_keep_their_bits(event, view.params, weights, also=givers)
    if alpha == "fixed":
        assert (share == 0.5).all()
    elif alpha == "random":
        assert ((share >= 0.3) & (share <= 0.7)).all()
        assert share.std() > 0.01
    else:
        expected = FITNESS[first] / (FITNESS[first] + FITNESS[second])
        assert torch.allclose(share[:, 0], expected)


def test_parents_of_equal_fitness_have_equal_shares(view):
    for fitness in (torch.ones(H), torch.zeros(H)):
        event = Crossover(alpha="fitness").replace(SITE, BORN, fitness, None, view)
        assert torch.equal(event.facts["alpha"], torch.full((3,), 0.5))


def test_noise_alone_inherits_nothing(view):
    event = Noise(sigma=0.3).replace(SITE, BORN, FITNESS, None, view)
    weights, before = after(event, view), view.params
    assert event.parents.shape == (3, 0)
    the_others_keep_their_bits(event, before, weights)
    assert torch.equal(weights["down"], before["down"])
    assert torch.equal(weights["bias"], before["bias"])
    moved = (weights["up"] - before["up"])[BORN]
    size = moved.square().mean(1).sqrt() / before["up"][BORN].square().mean(1).sqrt()
    assert ((size > 0.2) & (size < 0.4)).all()


@pytest.mark.parametrize("heredity", [Mutation, Crossover])
def test_moments_of_the_first_parent_are_copied_if_asked(view, heredity):
    event = heredity(moments="copy").replace(SITE, BORN, FITNESS, None, view)
    for edit in event.edits:
        whose = event.parents[:, 0] if torch.equal(edit.index, BORN) else edit.index
        assert torch.equal(edit.source, whose)
    for policy in ("zero", "keep"):
        event = heredity(moments=policy).replace(SITE, BORN, FITNESS, None, view)
        assert {edit.moments for edit in event.edits} == {policy}


def test_aligned_opposite_parents_are_one_unit_of_an_odd_activation(view):
    """q = -p: the child has p's row, and the layer gives what it gave, but for the dead."""
    up, bias = (view.params[name].clone() for name in ("up", "bias"))
    fitness = torch.zeros(H)
    fitness[[0, 1]] = 1.0
    up[1], bias[1] = -up[0], -bias[0]
    view = View(view.clock, view.controls, {**view.params, "up": up, "bias": bias}, view.streams)
    event = Crossover(alpha="random", sigma=0.0, align=True).replace(
        SITE, BORN, fitness, None, view
    )
    assert all({*each} == {0, 1} for each in event.parents.tolist())
    weights = after(event, view)
    for child, (first, _) in zip(BORN, event.parents, strict=True):
        assert torch.allclose(weights["up"][child], up[first])
        assert torch.allclose(weights["bias"][child], bias[first])
    x = torch.randn(20, C, generator=torch.Generator().manual_seed(3))
    gives = {}
    for name, each in (("before", view.params), ("after", weights)):
        h = torch.tanh(x @ each["up"].T + each["bias"])
        if name == "before":
            h[:, BORN] = 0.0
        gives[name] = h @ each["down"].T
    torch.testing.assert_close(gives["after"], gives["before"], rtol=1e-4, atol=1e-4)


def test_parents_that_point_the_same_way_are_not_aligned(view):
    same = {**view.params, "up": view.params["up"].abs(), "bias": view.params["bias"].abs()}
    view = View(view.clock, view.controls, same, view.streams)
    events = [
        Crossover(align=align).replace(SITE, BORN, FITNESS, None, view) for align in (True, False)
    ]
    mine, other = (after(event, view) for event in events)
    assert all(torch.equal(mine[name], other[name]) for name in mine)
    assert torch.allclose(mine["down"].sum(1), same["down"].sum(1) - same["down"][:, BORN].sum(1))

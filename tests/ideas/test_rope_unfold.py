"""Rope unfold: what turns when, against RoPE at the end and a set of tokens at the start."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from audition.errors import AuditionError
from audition.ideas.rope_unfold import RopeUnfold, Unfolding
from audition.parts.dims import Dims
from audition.parts.positional.learned import Learned
from audition.parts.positional.rope import Rope
from audition.recipe.batches import Clock
from audition.session import begin
from audition.training.loop import train

ORDERS = ("fine_first", "coarse_first", "together", "random")
DIMS = Dims(width=32, heads=2, context=24)
PLANES = 8


def places_at(fraction, policy=None, **settings):
    """The positions of a model once `fraction` of its run is spent."""
    places = Unfolding(policy or Rope())(DIMS)
    places.unfold(RopeUnfold(**settings).opened(fraction, places.angles.shape[-1]))
    return places


def scores(places, q, k):
    q, k = places.rotate(q, k)
    return q @ k.mT


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(1, 2, 24, 16, generator=generator) for _ in range(2))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("fraction", [0.4, 0.7, 1.0])
@pytest.mark.parametrize("policy", [Rope(), Rope(base=100.0, fraction=0.5)])
def test_unfolded_is_rope_to_the_bit(order, fraction, policy, pair):
    rope, places = policy(DIMS), places_at(fraction, policy, order=order)
    assert torch.equal(places.cos, rope.cos)
    assert torch.equal(places.sin, rope.sin)
    assert all(map(torch.equal, places.rotate(*pair), rope.rotate(*pair)))


@pytest.mark.parametrize("order", ORDERS)
def test_folded_scores_follow_a_permutation_of_the_tokens(order, pair):
    places, order_ = places_at(0.0, order=order), torch.randperm(24)
    moved = scores(places, *(x[:, :, order_] for x in pair))
    assert torch.equal(moved, scores(places, *pair)[:, :, order_][..., order_])
    assert torch.equal(scores(places, *pair), pair[0] @ pair[1].mT)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("fraction", [0.05, 0.13, 0.2, 0.31, 0.4])
def test_scores_depend_on_the_distance_alone_at_every_time(order, fraction, pair):
    q, k = (x[:, :, :1].expand(-1, -1, 24, -1) for x in pair)  # the same token everywhere
    found = scores(places_at(fraction, order=order), q, k)
    for distance in range(24):
        line = found.diagonal(-distance, dim1=-2, dim2=-1)
        assert torch.allclose(line, line[..., :1].expand_as(line), atol=1e-4)
    assert found.diagonal(-1, dim1=-2, dim2=-1).sub(found.diagonal(dim1=-2, dim2=-1)[..., 1:]).any()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("x", [0.0, 0.1, 0.34, 0.5, 0.99, 1.0, 2.0])
def test_the_ramps_are_the_formula(order, x):
    idea = RopeUnfold(over=0.5, order=order)
    ranks = idea.ranks(PLANES).tolist()
    assert sorted(ranks) == list(range(1, PLANES + 1))
    expected = [min(max((PLANES + 1) * x - rank, 0.0), 1.0) for rank in ranks]
    if order == "together":
        expected = [min(x, 1.0)] * PLANES
    assert idea.opened(0.5 * x, PLANES).tolist() == pytest.approx(expected)


def test_fine_planes_open_first_coarse_ones_last_and_one_at_a_time():
    half = RopeUnfold(over=1.0).opened(0.5, PLANES).tolist()
    assert half == [1.0] * 3 + [0.5] + [0.0] * 4
    assert RopeUnfold(over=1.0, order="coarse_first").opened(0.5, PLANES).tolist() == half[::-1]
    draws = [RopeUnfold(order="random", draw=n).ranks(PLANES).tolist() for n in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_nothing_is_unfolded_over_no_time(job_of):
    recipe = job_of("positional=rope").recipe
    assert RopeUnfold(over=0.0)(recipe) is recipe


def test_training_opens_them_by_the_clock(job_of):
    """Three of six steps into an unfolding over the whole run, and the rest at its end."""
    job = job_of("+idea=rope_unfold", "positional=rope", "ideas.rope_unfold.over=0.8")
    seen = []

    def watched(rule, problem):
        gradient = rule(problem)
        seen.append((problem.clock, problem.model.positional.cos.clone()))
        return gradient

    recipe = replace(job.recipe, gradient=partial(watched, job.recipe.gradient))
    outcome = train(replace(job, recipe=recipe))
    planes = outcome.session.model.positional.angles.shape[-1]
    for step, (clock, cos) in enumerate(seen):
        assert clock == Clock(step, 6, step / 6)
        angles = outcome.session.model.positional.angles
        opened = RopeUnfold(over=0.8).opened(step / 6, planes)
        assert torch.allclose(cos[:, :planes], (angles * opened).cos().float())
    assert torch.equal(seen[0][1], torch.ones_like(seen[0][1]))
    rope = begin(job_of("positional=rope").recipe, 42, "cpu").model.positional
    assert torch.equal(outcome.session.model.positional.cos, rope.cos)


@pytest.mark.parametrize("policy", [Learned(), Unfolding(Rope())])
def test_other_positions_are_refused(policy):
    with pytest.raises(AuditionError, match="choose positional=rope"):
        Unfolding(policy)(DIMS)


def test_a_model_without_positions_is_refused(job_of):
    with pytest.raises(AuditionError, match="this model has no positions"):
        RopeUnfold()(job_of("experiment=digits", "model=mlp").recipe)

"""Trees of tensors against the same arithmetic written tensor by tensor, to the bit."""

import pytest
import torch

from audition.recipe import tree

SHAPES = {"w": (5, 3), "b": (3,), "kernel": (2, 3, 2, 2), "scalar": ()}


@pytest.fixture
def random():
    """A seed -> a tree of many shapes, one of them stored channels-last."""

    def drawn(seed):
        generator = torch.Generator().manual_seed(seed)
        made = {n: torch.randn(shape, generator=generator) for n, shape in SHAPES.items()}
        made["kernel"] = made["kernel"].contiguous(memory_format=torch.channels_last)
        return made

    return drawn


def same(found, expected):
    return list(found) == list(expected) and all(
        torch.equal(found[n], x) for n, x in expected.items()
    )


def test_each_function_is_that_of_every_tensor(random):
    a, b = random(1), random(2)
    gains = torch.tensor([0.5, -2.0, 1.0, 3.0])
    paired = list(zip(a, gains, strict=True))
    assert torch.equal(tree.norms(a), torch.stack([x.norm() for x in a.values()]))
    levels = torch.stack([x.square().mean().sqrt() for x in a.values()])
    assert torch.equal(tree.root_mean_squares(a), levels)
    assert same(tree.scale(a, gains), {n: a[n] * g for n, g in paired})
    assert same(tree.divide(a, gains), {n: a[n] / g for n, g in paired})
    assert same(tree.scale(a, 0.1), {n: x * 0.1 for n, x in a.items()})
    assert same(tree.add(a, b), {n: x + b[n] for n, x in a.items()})
    assert same(tree.subtract(a, b), {n: x - b[n] for n, x in a.items()})
    assert same(tree.lerp(a, b, 0.3), {n: torch.lerp(x, b[n], 0.3) for n, x in a.items()})


def test_an_underscore_edits_its_own_tree(random):
    a, b = random(1), random(1)
    assert tree.tanh_(a) is a
    assert same(a, {n: x.tanh() for n, x in b.items()})
    assert tree.scale_(a, 3.0) is a
    assert same(a, {n: x.tanh() * 3.0 for n, x in b.items()})
    assert tree.tanh_({}) == tree.scale_({}, 2.0) == {}


def test_names_count_and_not_the_order_of_the_second(random):
    a, b = random(1), random(2)
    turned = dict(reversed(b.items()))
    assert same(tree.add(a, turned), tree.add(a, b))
    assert same(tree.lerp(a, turned, 0.5), tree.lerp(a, b, 0.5))


def test_the_ends_of_a_lerp_are_the_trees_themselves(random):
    a, b = random(1), random(2)
    assert tree.lerp(a, b, 0.0) is a
    assert tree.lerp(a, b, 1.0) is b
    shared = {**b, "w": a["w"]}
    assert tree.lerp(a, shared, 0.5)["w"] is a["w"]


def test_a_clone_shares_values_and_layout_but_no_memory(random):
    a = random(1)
    copy = tree.clone(a)
    assert same(copy, a)
    assert all(copy[n].stride() == x.stride() for n, x in a.items())
    tree.write(copy, random(2))
    assert same(copy, random(2))
    assert same(a, random(1))


def test_an_empty_tree_has_answers():
    assert tree.norms({}).shape == tree.root_mean_squares({}).shape == (0,)
    assert tree.scale({}, tree.norms({})) == tree.lerp({}, {}, 0.5) == tree.clone({}) == {}

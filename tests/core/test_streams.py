"""Named streams: independent, repeatable, and addressed by their whole path."""

import torch

from audition.recipe.streams import Streams


def draw(streams, *names):
    return torch.randn(1000, generator=streams.generator(*names))


def test_a_stream_is_its_path():
    a, b = Streams(1).child("init"), Streams(1).child("init")
    assert torch.equal(draw(a, "x"), draw(b, "x"))
    assert torch.equal(draw(a, "x"), draw(Streams(1), "init", "x"))
    assert Streams(1).child("a").child("b") == Streams(1).child("a", "b")


def test_other_paths_and_seeds_are_other_streams():
    numbers = [
        Streams(seed).child(*path).number(*names)
        for seed in range(10)
        for path in ((), ("a",), ("b",), ("a", "b"))
        for names in (("x",), ("y",), ("x", 0), ("x", 1), ("x", 10))
    ]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**63 for number in numbers)


def test_draws_of_different_streams_are_uncorrelated():
    rows = torch.stack([draw(Streams(0), "data", step) for step in range(20)])
    correlation = torch.corrcoef(rows) - torch.eye(20)
    assert correlation.abs().max() < 5 / 1000**0.5


def test_drawing_from_one_moves_no_other():
    streams = Streams(3)
    before = torch.get_rng_state(), draw(streams, "data")
    for _ in range(3):
        draw(streams, "init")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(draw(streams, "data"), before[1])


def test_a_number_is_pinned():
    """Another number would be another run under every seed ever reported."""
    assert Streams(42).number("data", 0) == 5070928779183261692

"""Adaptive clipping against its definition, unit by unit."""

import math

import pytest
import torch

from audition.effects.adaptive_clip import AdaptiveClip

W = {
    "matrix": torch.tensor([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0]]),
    "filters": torch.full((2, 1, 2, 2), 0.5),
    "bias": torch.tensor([0.0, 2.0]),
}


def test_by_hand(gradient, view):
    grads = {
        "matrix": torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.3, 0.4]]),  # allowed .5, .02 and 1
        "filters": torch.stack([torch.ones(1, 2, 2), torch.full((1, 2, 2), 0.01)]),  # .1, .1
        "bias": torch.tensor([0.3, 0.4]),  # .2
    }
    effect = AdaptiveClip(ceiling=0.1, floor=0.2)
    out, state = effect.on_gradients(gradient(grads), None, view(W))
    torch.testing.assert_close(
        out.grads["matrix"], torch.tensor([[0.0, 0.5], [0.0, 0.02], [0.3, 0.4]])
    )
    torch.testing.assert_close(out.grads["filters"][0], torch.full((1, 2, 2), 0.05))
    assert torch.equal(out.grads["filters"][1], grads["filters"][1])
    torch.testing.assert_close(out.grads["bias"], torch.tensor([0.12, 0.16]))
    meters = {name: value.item() for name, value in effect.meters(state).items()}
    gains = [0.5, 0.02, 1.0, 0.05, 1.0, 0.4]
    assert meters == pytest.approx({"limited": 4 / 6, "gain": sum(gains) / 6})


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_no_unit_is_ever_longer(gradient, view, scale):
    generator = torch.Generator().manual_seed(0)
    grads = {n: scale * torch.randn(w.shape, generator=generator) for n, w in W.items()}
    out, _ = AdaptiveClip(ceiling=0.05).on_gradients(gradient(grads), None, view(W))
    for name, g in out.grads.items():
        rows = zip(g, W[name], strict=True) if g.ndim > 1 else [(g, W[name])]
        for row, weights in rows:
            assert row.norm() <= 0.05 * max(weights.norm(), 1e-3) * (1 + 1e-5), name


def test_an_infinite_ceiling_listens_to_nothing():
    assert not AdaptiveClip(ceiling=math.inf).moments()

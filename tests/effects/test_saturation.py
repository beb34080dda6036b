"""Saturation against its definition: c tanh(g / c), c = drive x rms(g)."""

import math
from dataclasses import replace

import pytest
import torch

from audition.effects import saturation
from audition.effects.saturation import Saturation

G = torch.tensor([3.0, -4.0, 0.0, 0.1])
RMS = math.sqrt((9 + 16 + 0.01) / 4)


def saturate(x, drive):
    return saturation.saturate({"x": x}, drive)[0]["x"]


@pytest.mark.parametrize("drive", [0.5, 1.0, 3.0])
def test_by_hand(drive):
    ceiling = drive * RMS
    expected = [ceiling * math.tanh(g / ceiling) for g in G.tolist()]
    assert saturate(G, drive).tolist() == pytest.approx(expected, rel=1e-6)


def test_is_odd_bounded_and_monotone():
    x = torch.linspace(-9, 9, 101)
    y = saturate(x, 0.7)
    assert torch.allclose(y, -y.flip(0), atol=1e-6)
    assert y.abs().max() <= 0.7 * x.square().mean().sqrt()
    assert (y.diff() > 0).all()


def test_slope_is_one_at_zero():
    x = torch.cat([torch.tensor([1e-4, -1e-4]), torch.ones(98)])
    assert torch.allclose(saturate(x, 3.0)[:2], x[:2], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scales_with_the_gradient(scale):
    assert torch.allclose(saturate(G * scale, 1.0), saturate(G, 1.0) * scale, rtol=1e-5)


def test_zeros_stay_zeros():
    assert torch.equal(saturate(torch.zeros(3), 3.0), torch.zeros(3))


def test_every_tensor_has_its_own_ceiling(gradient, view):
    grads = {"loud": G * 100, "soft": G}
    out, _ = Saturation(drive=1.0).on_gradients(gradient(grads), None, view({}))
    assert torch.allclose(out.grads["loud"], out.grads["soft"] * 100)


def test_infinite_drive_is_the_same_object(gradient, view):
    given = gradient({"w": G})
    assert Saturation(drive=math.inf).on_gradients(given, None, view({}))[0] is given


def test_meters_against_the_curve(gradient, view):
    grads = {"w": G, "b": torch.tensor([1.0, -1.0]), "zero": torch.zeros(5)}
    effect = Saturation(drive=1.0)
    assert effect.meters(effect.init(grads, None)) == {}
    out, state = effect.on_gradients(gradient(grads), None, view({}))
    ceilings = {n: g.square().mean().sqrt() for n, g in grads.items()}
    slopes = [1 - torch.tanh(g / ceilings[n].clamp(min=1e-30)) ** 2 for n, g in grads.items()]
    gains = [out.grads[n].norm() / grads[n].norm() for n in ("w", "b")]
    meters = effect.meters(state)
    assert set(meters) == {"bent", "gain"}
    assert float(meters["bent"]) == pytest.approx(1 - torch.cat(slopes).mean().item(), rel=1e-5)
    assert float(meters["gain"]) == pytest.approx(torch.stack(gains).mean().item(), rel=1e-5)


def test_a_closed_step_is_passed_over(gradient, view):
    closed = replace(gradient({}), closed=True)
    assert Saturation().on_gradients(closed, "state", view({})) == (closed, "state")

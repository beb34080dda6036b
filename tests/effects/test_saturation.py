"""Saturation against its definition: c tanh(g / c), c = drive x rms(g)."""

import math
from dataclasses import replace

import pytest
import torch

from audition.effects import saturation
from audition.effects.saturation import Saturation
from audition.recipe.batches import Clock

G = torch.tensor([3.0, -4.0, 0.0, 0.1])
RMS = math.sqrt((9 + 16 + 0.01) / 4)


CURVES = {
    "tanh": torch.tanh,
    "soft": lambda x: x / (1 + x.abs()),
    "cubic": lambda x: torch.where(x.abs() < 1.5, x - 4 / 27 * x**3, x.sign()),
}
every_curve = pytest.mark.parametrize("curve", CURVES)


def saturate(x, drive, curve="tanh"):
    return saturation.saturate({"x": x}, drive, curve)[0]["x"]


@every_curve
@pytest.mark.parametrize("drive", [0.5, 1.0, 3.0])
def test_by_hand(drive, curve):
    ceiling = drive * RMS
    expected = ceiling * CURVES[curve](G.double() / ceiling)
    assert saturate(G, drive, curve).tolist() == pytest.approx(expected.tolist(), rel=1e-5)


@every_curve
def test_is_odd_bounded_and_monotone(curve):
    x = torch.linspace(-9, 9, 101)
    y = saturate(x, 0.7, curve)
    assert torch.allclose(y, -y.flip(0), atol=1e-6)
    assert y.abs().max() <= 0.7 * x.square().mean().sqrt() * (1 + 1e-6)
    assert (y.diff() >= 0).all()
    assert (y.diff() > 0).sum() > 50


@every_curve
def test_slope_is_one_at_zero(curve):
    x = torch.cat([torch.tensor([1e-6, -1e-6]), torch.ones(98)])
    assert torch.allclose(saturate(x, 3.0, curve)[:2], x[:2], rtol=1e-6)


@every_curve
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scales_with_the_gradient(scale, curve):
    expected = saturate(G, 1.0, curve) * scale
    assert torch.allclose(saturate(G * scale, 1.0, curve), expected, rtol=1e-5)


@every_curve
def test_zeros_stay_zeros(curve):
    assert torch.equal(saturate(torch.zeros(3), 3.0, curve), torch.zeros(3))


def test_a_warm_up_adds_as_much_at_every_step(gradient, view):
    """Half of .1 at step 5 of 10, where .1 is one over the drive."""
    effect, given = Saturation(drive=10.0, warmup=10), gradient({"w": G})
    assert [1 / effect.drive_at(step) for step in (0, 5, 10, 11)] == pytest.approx(
        [0.0, 0.05, 0.1, 0.1]
    )
    start = view({})
    assert effect.on_gradients(given, None, start)[0] is given
    later, state = effect.on_gradients(given, None, replace(start, clock=Clock(5)))
    assert torch.equal(later.grads["w"], saturate(G, 20.0))
    assert effect.meters(state)["gain"] < 1.0


def test_every_tensor_has_its_own_ceiling(gradient, view):
    grads = {"loud": G * 100, "soft": G}
    out, _ = Saturation(drive=1.0).on_gradients(gradient(grads), None, view({}))
    assert torch.allclose(out.grads["loud"], out.grads["soft"] * 100)


def test_infinite_drive_is_the_same_object(gradient, view):
    given = gradient({"w": G})
    assert Saturation(drive=math.inf).on_gradients(given, None, view({}))[0] is given


@every_curve
def test_meters_against_the_curve(gradient, view, curve):
    grads = {"w": G, "b": torch.tensor([1.0, -1.0]), "zero": torch.zeros(5)}
    effect = Saturation(drive=1.0, curve=curve)
    assert effect.meters(effect.init(grads, None)) == {}
    out, state = effect.on_gradients(gradient(grads), None, view({}))
    ceilings = {n: g.square().mean().sqrt() for n, g in grads.items()}
    x = torch.cat([g / ceilings[n].clamp(min=1e-30) for n, g in grads.items()]).requires_grad_()
    (slopes,) = torch.autograd.grad(CURVES[curve](x).sum(), x)
    gains = [out.grads[n].norm() / grads[n].norm() for n in ("w", "b")]
    meters = effect.meters(state)
    assert set(meters) == {"bent", "gain"}
    assert float(meters["bent"]) == pytest.approx(1 - slopes.mean().item(), rel=1e-5)
    assert float(meters["gain"]) == pytest.approx(torch.stack(gains).mean().item(), rel=1e-5)


def test_a_closed_step_is_passed_over(gradient, view):
    closed = replace(gradient({}), closed=True)
    assert Saturation().on_gradients(closed, "state", view({})) == (closed, "state")

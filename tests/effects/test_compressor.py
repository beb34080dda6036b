"""The compressor against Giannoulis et al.'s curve and time constants, and against torch's clipping."""

import math
from dataclasses import replace

import pytest
import torch

from audition.effects.compressor import Compressor, decibels, reduction, smoothed
from audition.recipe.surprise import surprise


def curve(x, threshold=-3.0, ratio=4.0, knee=6.0):
    return reduction(torch.as_tensor(x, dtype=torch.float64), threshold, ratio, knee)


def test_the_curve_by_hand():
    levels = torch.tensor([-30.0, -6.0, -3.0, 0.0, 9.0], dtype=torch.float64)
    after = levels + curve(levels)
    expected = [-30.0, -6.0, -3.0 - 0.75 * 9 / 12, -3.0 + 3.0 / 4, -3.0 + 12.0 / 4]
    assert after.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("end", [-6.0, 0.0])
def test_value_and_slope_are_continuous_at_both_ends_of_the_knee(end):
    x = torch.tensor([end - 1e-7, end + 1e-7], dtype=torch.float64, requires_grad=True)
    y = curve(x)
    (slopes,) = torch.autograd.grad(y.sum(), x)
    assert abs(y[0] - y[1]).item() < 1e-6
    assert abs(slopes[0] - slopes[1]).item() < 1e-6


def test_a_corner_is_not_smooth():
    x = torch.tensor([-3.0 - 1e-7, -3.0 + 1e-7], dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(curve(x, knee=0.0).sum(), x)
    assert slopes.tolist() == pytest.approx([0.0, -0.75])


@pytest.mark.parametrize(("attack", "release"), [(7.0, 31.0), (31.0, 7.0)])
def test_63_per_cent_come_in_the_attack_and_go_in_the_release(attack, release):
    steps = []
    value = torch.zeros(())
    for _ in range(int(attack)):
        value = smoothed(torch.tensor(-10.0), value, attack, release)
    steps.append(value.item())
    value = torch.tensor(-10.0)
    for _ in range(int(release)):
        value = smoothed(torch.zeros(()), value, attack, release)
    steps.append(value.item() + 10.0)
    share = 10.0 * (1.0 - math.exp(-1.0))
    assert steps == pytest.approx([-share, share], rel=1e-5)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_an_infinite_ratio_at_once_is_clipping(gradient, view, scale):
    generator = torch.Generator().manual_seed(0)
    grads = {n: torch.randn(5, 7, generator=generator) * scale for n in "ab"}
    effect = Compressor(
        reference=1.0, threshold=20 * math.log10(3.0), ratio=math.inf, knee=0, attack=0, release=0
    )
    out, _ = effect.on_gradients(gradient(grads), effect.init(grads, None), view(grads))
    params = [torch.nn.Parameter(torch.zeros_like(g)) for g in grads.values()]
    for p, g in zip(params, grads.values(), strict=True):
        p.grad = g.clone()
    torch.nn.utils.clip_grad_norm_(params, 3.0)
    for ours, p in zip(out.grads.values(), params, strict=True):
        torch.testing.assert_close(ours, p.grad, rtol=2e-6, atol=0)


def test_makeup_restores_the_level_of_the_reference(gradient, view):
    """Turned down 9 of 12 dB too much, and 9 dB up again."""
    grads = {"w": torch.full((4,), 10 ** (12 / 20) / 2)}
    effect = Compressor(reference=1.0, knee=0.0, attack=0.0, makeup=9.0)
    out, state = effect.on_gradients(gradient(grads), effect.init(grads, None), view(grads))
    torch.testing.assert_close(out.grads["w"], grads["w"])
    meters = {name: float(value) for name, value in effect.meters(state).items()}
    assert meters == pytest.approx({"level": 12.0, "reduction": -9.0, "gain": 1.0}, abs=1e-5)


def test_its_own_mean_is_the_reference_where_none_is_given(gradient, view):
    effect = Compressor(ratio=math.inf, knee=0.0, attack=0.0, release=0.0, memory=0.5)
    state = effect.init({}, None)
    lengths = []
    for length in (8.0, 8.0, 32.0, 16.0):
        grads = {"w": torch.tensor([length])}
        out, state = effect.on_gradients(gradient(grads), state, view(grads))
        lengths.append(out.grads["w"].item())
    assert lengths == pytest.approx([8.0, 8.0, 8.0, 16.0], rel=1e-5)  # the last: its mean is 16


def test_on_updates_it_is_a_smaller_rate_and_gradients_keep_their_bits(gradient, view):
    grads, updates = {"w": torch.tensor([3.0, 4.0])}, {"w": torch.tensor([1.0, -2.0])}
    effect = Compressor(reference=1.0, knee=0.0, attack=0.0, acts_on="updates")
    given = gradient(grads)
    out, state = effect.on_gradients(given, effect.init(grads, None), view(grads))
    assert out is given
    after, _ = effect.on_updates(updates, state, view(grads))
    torch.testing.assert_close(after["w"], updates["w"] * 5 ** (-3 / 4))


def test_surprise_turns_down_the_step_of_an_odd_loss(gradient, view):
    effect = Compressor(listens_to="surprise", knee=0.0, attack=0.0, release=0.0, memory=0.5)
    state, seen, gains = effect.init({}, None), {}, []
    grads = {"w": torch.ones(1)}
    for value in (2.0, 1.0, 2.0, 1.0, 4.0, 1.0):
        loss = torch.tensor(value)
        z, seen = surprise(loss, seen, 0.5)
        given = replace(gradient(grads), terms={"loss": loss})
        out, state = effect.on_gradients(given, state, view(grads))
        gains.append(out.grads["w"].item())
        assert gains[-1] == pytest.approx(2.0 ** (-0.75 * max(z.item(), 0.0)), rel=1e-5)
    assert min(gains) == gains[4] < 0.1


def test_a_gradient_of_nought_stays_so(gradient, view):
    grads = {"w": torch.zeros(3)}
    effect = Compressor()
    out, state = effect.on_gradients(gradient(grads), effect.init(grads, None), view(grads))
    assert torch.equal(out.grads["w"], grads["w"])
    assert torch.isfinite(state["gain"])
    assert torch.isfinite(decibels(torch.zeros(())))


def test_a_closed_step_is_passed_over(gradient, view):
    closed, effect = replace(gradient({}), closed=True), Compressor()
    assert effect.on_gradients(closed, "state", view({})) == (closed, "state")


def test_a_ratio_of_one_listens_to_nothing():
    assert not Compressor(ratio=1.0).moments()
    assert Compressor(ratio=1.0, makeup=3.0).moments() == {"on_gradients"}


def test_surprise_is_an_exponentially_weighted_z_score():
    """Long after its start it is the recursion's own: mean and variance of the losses before."""
    generator = torch.Generator().manual_seed(0)
    losses = torch.randn(400, generator=generator, dtype=torch.float64)
    seen, mean, variance = {}, losses[0].item(), 0.0
    for loss in losses:
        z, seen = surprise(loss, seen, 0.9)
        apart = loss.item() - mean
        expected = apart / math.sqrt(variance) if variance else 0.0
        mean, variance = mean + 0.1 * apart, 0.9 * variance + 0.1 * 0.9 * apart**2
    assert z.item() == pytest.approx(expected, rel=1e-6)

"""The spectral gate against its definition, on matrices whose spectrum is planted."""

from dataclasses import replace

import pytest
import torch

from audition.ideas.spectral_gate import (
    Gate,
    SpectralGate,
    band_powers,
    coherence,
    gate,
    stack,
)
from audition.parts.spectrum import bands, eigenbasis, weighted_median
from audition.recipe.batches import Clock
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.session import begin

CPU = torch.device("cpu")
M, N = 16, 40
SHAPES = {"wide": (M, N), "tall": (N, M), "square": (M, M)}


def drawn(*shape, seed=0):
    return torch.empty(shape).normal_(generator=torch.Generator().manual_seed(seed))


def view(step=0, seed=0):
    return View(Clock(step, 100, step / 100), Controls(), {}, Streams(seed))


def halves(signal, noise, shape=(M, N), seed=0):
    """Gradients of two halves: a shared signal, and noise of their own."""
    return tuple({"w": signal + noise * drawn(*shape, seed=seed + i)} for i in (1, 2))


def gradient(first, second):
    grads = {name: (first[name] + second[name]) / 2 for name in first}
    return Gradient(grads, {}, Cost(1.0, 1.0), halves=(first, second))


def gated(first, second, step=0, state=None, seed=0, **settings):
    """(gradients before, after, state) of one step of the gate."""
    effect = Gate(SpectralGate(every=1, **settings))
    state = effect.init(first, Streams(0)) if state is None else state
    given = gradient(first, second)
    out, state = effect.on_gradients(given, state, view(step, seed))
    return given.grads, out.grads, state


def group(state):
    (only,) = state.values()
    return only


def gains(state):
    """The eigenvalues of the gate, [M], in the order of its basis."""
    basis, matrix = group(state)["basis"][0], group(state)["gate"][0]
    return (basis.T @ matrix @ basis).diagonal()


def planted(strength=30.0):
    """A rank-one spike, [M, N]."""
    u, v = drawn(M, seed=7), drawn(N, seed=8)
    return strength * torch.outer(u / u.norm(), v / v.norm())


def test_bands_are_doubling_ranks():
    expected = [0, 1, 2, 2, 3, 3, 3, 3, *[4] * 8, *[5] * 16]
    assert bands(32, CPU)[0].tolist() == expected
    assert bands(1, CPU)[0].tolist() == [0]
    assert bands(32, CPU)[1].tolist() == [1, 1, 2, 4, 8, 16]
    assert bands(5000, CPU)[0].max() == 11


def test_coherence_is_one_minus_difference_over_sum():
    """w_b = 1 - |D|^2 / |G|^2 with D, G half the halves' difference and sum: the identity."""
    first, second = drawn(3, M, N, seed=1), drawn(3, M, N, seed=2)
    second = first + 0.8 * second
    basis = eigenbasis((first + second) / 2, None)
    cross, power = band_powers(basis, first, second)
    w = coherence(cross, power)
    assert w.shape == (3, 5)
    half_difference, half_sum = basis.mT @ (first - second) / 2, basis.mT @ (first + second) / 2
    for band in range(5):
        where = bands(M, CPU)[0] == band
        ratio = half_difference[:, where].square().sum((1, 2)) / half_sum[:, where].square().sum(
            (1, 2)
        )
        assert torch.allclose(w[:, band], (1 - ratio).clamp(0, 1), atol=1e-5)
    assert ((w > 0) & (w < 1)).all()


@pytest.mark.parametrize("noise", [0.0, 0.3, 3.0, 100.0])
def test_coherence_is_a_share(noise):
    first, second = (half["w"][None] for half in halves(planted(), noise))
    w = coherence(*band_powers(eigenbasis((first + second) / 2, None), first, second))
    assert ((w >= 0) & (w <= 1)).all()


def test_cross_power_of_noise_is_zero_on_average():
    """In a fixed basis, independent halves have no cross-power, and a coherence near zero."""
    basis = torch.linalg.qr(drawn(M, M)).Q.expand(2000, M, M)
    cross, power = band_powers(basis, drawn(2000, M, N, seed=1), drawn(2000, M, N, seed=2))
    mean = cross.mean(0) / power.mean(0)
    assert (mean.abs() < 0.05).all()
    assert (coherence(cross.mean(0, keepdim=True), power.mean(0, keepdim=True)) < 0.05).all()


def test_cross_power_estimates_the_power_of_the_signal():
    """Unbiased, whatever the noise; the power of the mean is not."""
    signal = planted(3.0)
    basis = torch.linalg.qr(drawn(M, M)).Q.expand(4000, M, M)
    first, second = (signal + drawn(4000, M, N, seed=s) for s in (1, 2))
    cross, power = band_powers(basis, first, second)
    true, _ = band_powers(basis[:1], signal[None], signal[None])
    assert torch.allclose(cross.mean(0), true[0], atol=4 * (cross.std(0) / 4000**0.5).max().item())
    assert (power.mean(0) > 1.5 * true[0]).all()


def test_a_first_basis_is_the_eigenvectors_by_falling_power():
    mean = drawn(3, M, N)
    basis = eigenbasis(mean, None)
    assert torch.allclose(basis.mT @ basis, torch.eye(M).expand(3, M, M), atol=1e-5)
    power = (basis.mT @ mean).square().sum(-1)
    assert torch.allclose(power, torch.linalg.svdvals(mean).square(), rtol=1e-3)


def test_steps_of_iteration_find_the_same_basis():
    spread = torch.diag(2.0 ** -torch.arange(M)) @ torch.linalg.qr(drawn(N, M)).Q.T
    mean = (torch.linalg.qr(drawn(M, M)).Q @ spread)[None]
    basis = torch.linalg.qr(drawn(1, M, M, seed=5)).Q
    for _ in range(30):
        basis = eigenbasis(mean, basis)
    leading = (basis[:, :, :6].mT @ eigenbasis(mean, None)[:, :, :6]).abs()
    assert torch.allclose(leading, torch.eye(6), atol=1e-3)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_halves_that_agree_are_left_alone(shape):
    """w = 1 in every band is one gain for all, which the make-up undoes."""
    same = {"w": drawn(*shape)}
    before, after, state = gated(same, {"w": same["w"].clone()})
    assert torch.allclose(gains(state), torch.full((min(shape),), 0.1), atol=1e-4)
    assert torch.allclose(after["w"], before["w"], atol=1e-5)


@pytest.mark.parametrize("w", [0.0, 0.3, 1.0])
def test_any_constant_gain_is_the_identity(w):
    x = {"w": drawn(M, N)}
    group = {"names": ["w"], "gate": (0.1 + 0.9 * w) * torch.eye(M)[None]}
    assert torch.allclose(gate(stack(x, ["w"]), group, x)["w"], x["w"], atol=1e-6)


def test_rho_of_one_is_the_identity_by_the_matrix_too():
    before, after, _ = gated(*halves(planted(), 1.0), rho=1.0)
    assert torch.allclose(after["w"], before["w"], atol=1e-5)


def test_rho_of_one_adds_no_effect(job_of):
    recipe = job_of().recipe
    assert SpectralGate(rho=1.0)(recipe) is recipe
    assert list(SpectralGate(rho=0.5)(recipe).effects.members) == ["spectral_gate"]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("open_on", ["noise", "coherence"])
def test_the_norm_is_preserved(shape, open_on):
    pair = halves(torch.zeros(shape), 1.0, shape)
    before, after, _ = gated(*pair, open_on=open_on)
    assert after["w"].shape == shape
    assert after["w"].norm().item() == pytest.approx(before["w"].norm().item(), rel=1e-5)
    assert not torch.allclose(after["w"], before["w"], atol=1e-3)


def test_a_shared_spike_is_ducked_and_noise_passes():
    """Long rows and some refreshes, since short ones agree by chance."""
    u, v = drawn(M, seed=7), drawn(800, seed=8)
    spike = 60.0 * torch.outer(u / u.norm(), v / v.norm())
    state = None
    for step in range(20):
        pair = halves(spike, 0.3, (M, 800), seed=10 * step)
        before, after, state = gated(*pair, step=step, state=state)
    gain = gains(state)
    assert gain[0] < 0.2
    assert (gain[1:] > 0.9).all()
    share = [(u / u.norm() @ g["w"]).norm() / g["w"].norm() for g in (before, after)]
    assert share[0] > 0.85
    assert share[1] < 0.4


def test_the_gate_is_symmetric_and_within_its_gains():
    *_, state = gated(*halves(planted(), 0.5))
    matrix = group(state)["gate"][0]
    assert torch.allclose(matrix, matrix.T, atol=1e-6)
    values = torch.linalg.eigvalsh(matrix)
    assert values.min() >= 0.1 - 1e-5
    assert values.max() <= 1.0 + 1e-5


def test_turning_the_space_turns_the_answer():
    """gate(RG) = R gate(G) for an orthogonal R."""
    turn = torch.linalg.qr(drawn(M, M, seed=3)).Q
    pair = halves(planted(6.0), 1.0)
    _, plain, _ = gated(*pair)
    _, turned, _ = gated(*({"w": turn @ half["w"]} for half in pair))
    assert torch.allclose(turned["w"], turn @ plain["w"], atol=1e-4)


def test_a_tall_matrix_is_gated_on_its_other_side():
    pair = halves(planted(6.0), 1.0)
    _, wide, _ = gated(*pair)
    _, tall, _ = gated(*({"w": half["w"].T.contiguous()} for half in pair))
    assert torch.allclose(tall["w"].T, wide["w"], atol=1e-5)


def test_matrices_of_one_shape_do_not_mix():
    a, b = halves(planted(), 0.3), halves(torch.zeros(M, N), 1.0, seed=50)
    pair = [{"a": x["w"], "b": y["w"].T.contiguous()} for x, y in zip(a, b, strict=True)]
    _, both, state = gated(*pair)
    assert list(state) == [f"{M}x{N}"]
    _, alone, _ = gated(*b)
    assert torch.allclose(both["b"].T, alone["w"], atol=1e-5)


def test_shuffling_keeps_the_gains_and_moves_them():
    pair = halves(planted(), 0.3)
    plain, shuffled = (gains(gated(*pair, control=c)[2]) for c in ("none", "shuffled"))
    assert torch.allclose(plain.sort().values, shuffled.sort().values, atol=1e-4)
    assert not torch.allclose(plain, shuffled, atol=1e-2)
    other = gains(gated(*pair, control="shuffled", seed=1)[2])
    assert not torch.allclose(other, shuffled, atol=1e-2)


def test_magnitude_ducks_by_power():
    *_, state = gated(*halves(planted(), 0.3), control="magnitude")
    gain = gains(state)
    assert gain[0].item() == pytest.approx(0.1, abs=1e-4)
    assert (gain[1:] > 0.95).all()


def test_wiener_turns_the_sign_round():
    pair = halves(planted(), 0.3)
    duck, wiener = (gains(gated(*pair, open_on=o)[2]) for o in ("noise", "coherence"))
    assert torch.allclose(duck + wiener, torch.full((M,), 1.1), atol=1e-4)


def test_powers_are_smoothed_over_refreshes():
    first, second = halves(planted(), 0.3), halves(planted(), 0.3, seed=9)
    *_, before = gated(*first)
    *_, after = gated(*second, step=1, state=before)
    fresh = band_powers(group(after)["basis"], *(half["w"][None] for half in second))
    for key, new in zip(("cross", "power"), fresh, strict=True):
        expected = 0.8 * group(before)[key] + 0.2 * new
        assert torch.allclose(group(after)[key], expected, rtol=1e-4)


def test_between_refreshes_the_gate_stays_and_the_mean_moves():
    effect = Gate(SpectralGate(every=5))
    pair = halves(planted(), 0.3)
    state = effect.init(pair[0], Streams(0))
    _, state = effect.on_gradients(gradient(*pair), state, view(0))
    other = gradient(*halves(planted(), 1.0, seed=4))
    out, after = effect.on_gradients(replace(other, halves=()), state, view(1))
    assert group(after)["gate"] is group(state)["gate"]
    expected = 0.9 * group(state)["ema"][0] + 0.1 * other.grads["w"]
    assert torch.allclose(group(after)["ema"][0], expected, atol=1e-5)
    assert not torch.equal(out.grads["w"], other.grads["w"])


def test_only_hidden_matrices_are_gated(job_of):
    session = begin(job_of("+idea=spectral_gate").recipe, 42, "cpu")
    names = {n for g in session.effects["spectral_gate"].values() for n in g["names"]}
    hidden = {n for n, p in session.params.items() if n.startswith("blocks") and p.ndim == 2}
    assert names == hidden
    assert len(names) == 2 * 6


@pytest.mark.parametrize("mode", ["pre", "post"])
def test_each_mode_listens_where_it_acts(mode):
    effect = Gate(SpectralGate(mode=mode))
    assert ("on_updates" in effect.moments()) == (mode == "post")
    pair = halves(planted(), 0.3)
    given = gradient(*pair)
    out, state = effect.on_gradients(given, effect.init(pair[0], Streams(0)), view(0))
    assert torch.equal(out.grads["w"], given.grads["w"]) == (mode == "post")
    updates, _ = effect.on_updates(given.grads, state, view(0))
    assert updates["w"].norm().item() == pytest.approx(given.grads["w"].norm().item(), rel=1e-5)


def test_zero_gradients_stay_zero():
    zero = {"w": torch.zeros(M, N)}
    _, after, state = gated(zero, {"w": torch.zeros(M, N)})
    assert torch.equal(after["w"], torch.zeros(M, N))
    assert torch.isfinite(group(state)["gate"]).all()


@pytest.mark.parametrize("shape", [(6, 4, 3, 3), (40, 2, 3, 1)], ids=["wide", "tall"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_kernel_is_gated_as_the_matrix_of_its_first_axis(shape, layout):
    kernels = [drawn(*shape, seed=s).contiguous(memory_format=layout) for s in (1, 2)]
    _, after, state = gated(*({"w": k} for k in kernels))
    _, flat, flat_state = gated(*({"w": k.flatten(1)} for k in kernels))
    assert after["w"].shape == shape
    assert torch.equal(after["w"].flatten(1), flat["w"])
    assert torch.equal(group(state)["gate"], group(flat_state)["gate"])
    assert not torch.allclose(after["w"], (kernels[0] + kernels[1]) / 2)


def test_meters_are_of_all_gated_directions():
    effect = Gate(SpectralGate(rho=0.2))
    pair = halves(planted(), 0.3)
    wide = tuple({"w": half["w"], "other": drawn(M, M, seed=i)} for i, half in enumerate(pair))
    state = effect.init(wide[0], Streams(0))
    assert effect.meters(state) == {}
    _, state = effect.on_gradients(gradient(*wide), state, view(0))
    each = torch.cat(
        [torch.linalg.eigvalsh(one).flatten() for one in (g["gate"] for g in state.values())]
    )
    meters = effect.meters(state)
    assert len(each) == 2 * M
    assert float(meters["gain"]) == pytest.approx(each.mean().item(), rel=1e-4)
    assert float(meters["open"]) == pytest.approx((each > 0.6).float().mean().item())
    assert 0 < float(meters["open"]) < 1


def test_a_closed_gradient_passes_through():
    effect = Gate(SpectralGate())
    state = effect.init({"w": drawn(M, N)}, Streams(0))
    closed = Gradient({}, {}, Cost(1.0), closed=True)
    assert effect.on_gradients(closed, state, view(0)) == (closed, state)


@pytest.mark.parametrize(
    ("values", "weights", "median"),
    [
        ([3.0, 1.0, 2.0], [1.0, 1.0, 1.0], 2.0),
        ([3.0, 1.0, 2.0], [5.0, 1.0, 1.0], 3.0),
        ([3.0, 1.0, 2.0], [1.0, 9.0, 1.0], 1.0),
        ([4.0, 1.0], [1.0, 1.0], 1.0),
        ([4.0, 2.0], [0.0, 0.0], 2.0),
    ],
)
def test_a_weighted_median_has_half_of_the_weight_below(values, weights, median):
    assert weighted_median(torch.tensor(values), torch.tensor(weights)).item() == median


@pytest.mark.parametrize(("noise", "coherent"), [(0.01, True), (300.0, False)])
def test_its_kill_test_reads_the_coherence_and_changes_nothing(noise, coherent):
    test = SpectralGate(every=1).kill()
    state, reading = test.watch.init({"w": planted()}, Streams(0)), []
    for step in range(40):
        pair = halves(planted(), noise, seed=10 * step)
        out, state = test.watch.on_gradients(gradient(*pair), state, view(step))
        assert torch.allclose(out.grads["w"], (pair[0]["w"] + pair[1]["w"]) / 2, atol=1e-3)
        reading.append(float(test.watch.meters(state)[test.meter]))
    assert test.decide(reading[20:]).kill is not coherent

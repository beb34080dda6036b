"""The equalizers of depth, of losses and of time, the last against scipy.signal."""

from dataclasses import replace

import pytest
import torch
from scipy import signal

from audition.effects.biquad import Biquad, cookbook
from audition.effects.equalizer import BANDS, Equalizer, bands_of
from audition.effects.loss_equalizer import LossEqualizer
from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain
from audition.recipe.surprise import surprise
from audition.session import begin
from audition.training.step import advance

DOUBLED = 6.020599913279624


@pytest.mark.parametrize("model", [(), ("experiment=digits",), ("experiment=digits", "model=mlp")])
def test_every_parameter_is_in_one_band_and_no_block_in_two(model, job_of):
    job = job_of(*model)
    names = list(begin(job.recipe, 0, "cpu").params)
    bands = bands_of(names)
    assert list(bands) == names
    assert set(bands.values()) <= set(BANDS)
    order = [BANDS.index(bands[n]) for n in names if n.startswith("blocks")]
    assert order == sorted(order)
    assert bands[names[-1]] == "high"


@pytest.mark.parametrize(
    ("blocks", "expected"), [(1, "m"), (2, "lh"), (3, "lmh"), (4, "lmmh"), (6, "llmmhh")]
)
def test_blocks_are_shared_out_in_thirds(blocks, expected):
    names = ["embedding.weight", *(f"blocks.{i}.w" for i in range(blocks)), "head.weight"]
    assert "".join(band[0] for band in bands_of(names).values()) == f"l{expected}h"


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("band", BANDS)
def test_six_decibels_double_the_updates_of_exactly_one_band(band, optimizer, job_of):
    """Under AdamW too, where a gain on gradients would change nothing."""
    job = job_of(f"optimizer={optimizer}", "schedule=constant", "model.layers=3")

    def change(effects):
        made = replace(job, recipe=replace(job.recipe, effects=effects))
        session = begin(made.recipe, made.seed, "cpu")
        before = tree.clone(session.params)
        advance(made, session, Clock(0, 10, 0.0))
        return tree.subtract(session.params, before)

    plain = change(Chain())
    louder = change(Chain({"eq": Equalizer(**{**dict.fromkeys(BANDS, 0.0), band: DOUBLED})}))
    bands = bands_of(plain)
    assert set(bands.values()) == set(BANDS)
    for name, u in plain.items():
        if bands[name] == band:
            torch.testing.assert_close(louder[name], 2.0 * u, rtol=1e-3, atol=1e-7)
        else:
            assert torch.equal(louder[name], u), name


def test_easy_and_hard_batches_have_the_rates_of_the_document(gradient, view):
    """At a rate of 1e-3: an easy batch is trained on at .0005, a hard one at .0015."""
    effect = LossEqualizer(memory=0.5)
    state, seen, rates = effect.init({}, None), {}, []
    updates = {"w": torch.tensor([1e-3])}
    losses = (2.0, 1.0, 2.0, 1.5, 4.0, 2.6, 0.5)
    for value in losses:
        loss = torch.tensor(value)
        given = replace(gradient({"w": torch.ones(1)}), terms={"loss": loss})
        z, seen = surprise(loss, seen, 0.5)
        out, state = effect.on_gradients(given, state, view({}))
        assert out is given
        after, state = effect.on_updates(updates, state, view({}))
        rates.append(after["w"].item())
        assert rates[-1] == pytest.approx(1e-3 * (0.5 if z < -0.5 else 1.5 if z > 0.5 else 1.0))
    assert {round(rate, 6) for rate in rates} == {5e-4, 1e-3, 1.5e-3}
    assert effect.meters(state)["gain"].item() == 0.5


def test_a_falling_loss_leaves_no_band_empty(view, gradient):
    """Where the edges are losses, every batch is easy in the end."""
    generator = torch.Generator().manual_seed(0)
    effect, gains = LossEqualizer(), []
    state = effect.init({}, None)
    for step in range(600):
        loss = torch.tensor(4.0 - step / 300) + 0.3 * torch.randn((), generator=generator)
        _, state = effect.on_gradients(replace(gradient({}), terms={"loss": loss}), state, view({}))
        gains.append(state["gain"].item())
    late = gains[-200:]
    assert all(late.count(gain) > 20 for gain in (0.5, 1.0, 1.5))


FILTERS = [
    {"kind": "low_shelf", "gain": 6.0, "frequency": 0.05},
    {"kind": "high_shelf", "gain": -9.0, "frequency": 0.2},
    {"kind": "peak", "gain": 6.0, "frequency": 0.1, "q": 3.0},
    {"kind": "low_pass", "frequency": 0.1},
    {"kind": "high_pass", "frequency": 0.1, "q": 2.0},
]


@pytest.mark.parametrize("settings", FILTERS, ids=lambda s: s["kind"])
def test_the_gain_is_the_cookbooks_where_it_says(settings):
    effect = Biquad(**settings)
    b0, b1, b2, a1, a2 = effect.coefficients
    frequencies = [0.0, settings["frequency"], 0.5]
    _, response = signal.freqz([b0, b1, b2], [1, a1, a2], worN=frequencies, fs=1.0)
    gain, q = 10 ** (effect.gain / 20), effect.q
    expected = {
        "low_shelf": (gain, gain**0.5, 1),
        "high_shelf": (1, gain**0.5, gain),
        "peak": (1, gain, 1),
        "low_pass": (1, q, 0),
        "high_pass": (0, q, 1),
    }[effect.kind]
    assert abs(response) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("settings", FILTERS, ids=lambda s: s["kind"])
def test_what_it_does_to_a_series_of_gradients_is_scipys_lfilter(settings, gradient, view):
    generator = torch.Generator().manual_seed(0)
    series = torch.randn(40, 3, 2, generator=generator, dtype=torch.float64)
    effect, params = Biquad(**settings), {"w": torch.zeros(3, 2, dtype=torch.float64)}
    state, out = effect.init(params, None), []
    for g in series:
        after, state = effect.on_gradients(gradient({"w": g}), state, view(params))
        out.append(after.grads["w"])
    b0, b1, b2, a1, a2 = effect.coefficients
    expected = signal.lfilter([b0, b1, b2], [1, a1, a2], series.numpy(), axis=0)
    torch.testing.assert_close(torch.stack(out), torch.from_numpy(expected))
    assert effect.meters(state)["held"] > 0


@pytest.mark.parametrize("settings", FILTERS, ids=lambda s: s["kind"])
def test_measured_sines_have_the_gain_of_the_response(settings, gradient, view):
    """The magnitude at three frequencies, from the output's own amplitude after the start."""
    effect = Biquad(**settings)
    b0, b1, b2, a1, a2 = effect.coefficients
    frequencies = torch.tensor([0.02, 0.1, 0.25], dtype=torch.float64)
    params = {"w": torch.zeros(3, dtype=torch.float64)}
    state, out = effect.init(params, None), []
    for t in range(700):
        g = torch.sin(2 * torch.pi * frequencies * t)
        after, state = effect.on_gradients(gradient({"w": g}), state, view(params))
        out.append(after.grads["w"])
    amplitude = torch.stack(out[200:]).square().mean(0).mul(2).sqrt()
    _, response = signal.freqz([b0, b1, b2], [1, a1, a2], worN=frequencies.numpy(), fs=1.0)
    assert amplitude.tolist() == pytest.approx(abs(response).tolist(), rel=2e-3)


def test_a_weight_without_a_gradient_counts_as_one_of_nought(gradient, view):
    effect = Biquad(kind="peak", frequency=0.2)
    params = {"a": torch.zeros(1), "b": torch.zeros(1)}
    states = [effect.init(params, None) for _ in range(2)]
    one = {name: torch.ones(1) for name in params}
    for given in (one, {"a": torch.ones(1)}, one):
        outs = []
        for place, grads in enumerate((given, tree.filled(given, params))):
            out, states[place] = effect.on_gradients(gradient(grads), states[place], view(params))
            outs.append(out.grads)
        assert outs[0].keys() == given.keys()
        assert all(torch.equal(outs[0][name], outs[1][name]) for name in given)


def test_poles_outside_the_unit_circle_are_refused():
    with pytest.raises(AuditionError, match=r"q=1e\+18 has its poles outside the unit circle"):
        Biquad(frequency=0.1, q=1e18)


def test_no_gain_listens_to_nothing():
    assert not Biquad(gain=0.0).moments()
    assert Biquad(kind="low_pass", gain=0.0).moments()
    assert not Equalizer(low=0.0).moments()
    assert not LossEqualizer(easy=1.0, hard=1.0).moments()
    flat = cookbook("peak", 0.1, 0.0, 1.0)
    assert (flat[0], flat[1], flat[2]) == pytest.approx((1.0, flat[3], flat[4]))

"""Reverb, delay, phaser and flanger against scipy.signal, SGD's momentum and their definitions."""

from dataclasses import replace
from itertools import pairwise
from math import pi, sin

import pytest
import torch
from scipy import signal

from audition.effects.biquad import Biquad
from audition.effects.delay import Delay
from audition.effects.flanger import Flanger
from audition.effects.phaser import Phaser, phases_of
from audition.effects.reverb import Reverb
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain
from audition.recipe.signals import Controls
from audition.recipe.units import Part, Resize, Units
from audition.session import begin
from audition.training.step import advance


@pytest.fixture
def heard(gradient, view):
    """An effect, a series [T, ...] and the steps of the run -> what it makes of the series."""

    def hear(effect, series, steps=None):
        params = {"w": torch.zeros_like(series[0])}
        state, out, here = effect.init(params, None), [], view(params)
        for t, g in enumerate(series):
            now = replace(here, clock=Clock(t, steps))
            after, state = effect.on_gradients(gradient({"w": g}), state, now)
            out.append(after.grads["w"].clone())
            after.grads["w"].mul_(0.0)  # as clipping in place would: no state may be the signal
        return torch.stack(out)

    return hear


def noise(steps, *shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(steps, *shape, generator=generator, dtype=torch.float64)


def comb(delay, feedback):
    return [1.0], [1.0, *[0.0] * (delay - 1), -feedback]


def allpass(delay, a):
    return [-a, *[0.0] * (delay - 1), 1.0], [1.0, *[0.0] * (delay - 1), -a]


def filtered(x, *filters):
    for b, a in filters:
        x = signal.lfilter(b, a, x, axis=0)
    return torch.from_numpy(x)


@pytest.mark.parametrize(
    ("delays", "feedbacks", "diffusion"),
    [((1,), (0.5,), 0.0), ((1, 3, 7), (0.3, 0.3, 0.3), 0.0), ((2, 5), (0.5, 0.4), 0.6)],
)
def test_the_impulse_response_of_a_reverb_is_scipys(heard, delays, feedbacks, diffusion):
    impulse = torch.zeros(60, 2, dtype=torch.float64)
    impulse[0] = torch.tensor([1.0, -2.0])
    effect = Reverb(delays=delays, feedbacks=feedbacks, diffusion=diffusion, spread=3)
    combs = [filtered(impulse.numpy(), comb(d, f)) for d, f in zip(delays, feedbacks, strict=True)]
    expected = sum(combs) / len(combs)
    if diffusion:
        expected = filtered(expected.numpy(), allpass(3, diffusion))
    torch.testing.assert_close(heard(effect, impulse.clone()), expected)


def test_one_comb_of_delay_one_is_sgds_momentum(job_of):
    """In training: the weights of the heavy ball, for six steps."""
    common = ("optimizer=sgd", "optimizer.nesterov=false", "training.clip=null")
    heavy = job_of(*common, "optimizer.momentum=0.6")
    light = job_of(*common, "optimizer.momentum=0")
    effects = Chain({"reverb": Reverb(delays=(1,), feedbacks=(0.6,))})
    light = replace(light, recipe=replace(light.recipe, effects=effects))
    ends = []
    for job in (heavy, light):
        session = begin(job.recipe, job.seed, "cpu")
        start = {n: p.detach().clone() for n, p in session.params.items()}
        for step in range(6):
            advance(job, session, Clock(step, 50, step / 50))
        ends.append(session.params)
    for name, p in ends[0].items():
        torch.testing.assert_close(ends[1][name], p, rtol=0, atol=1e-6)
        assert not torch.equal(p, start[name])


def test_a_tail_dies_away_and_its_meter_says_how_much_is_left(gradient, view):
    effect, params = Reverb(delays=(1, 2), feedbacks=(0.5, 0.4)), {"w": torch.zeros(1)}
    state, tails = effect.init(params, None), []
    for g in (1.0, *[0.0] * 40):
        given = gradient({"w": torch.tensor([g])})
        after, state = effect.on_gradients(given, state, replace(view(params), clock=Clock(0)))
        tails.append((effect.meters(state)["tail"].item(), after.grads["w"].item()))
    for (tail, _), (_, out) in pairwise(tails):
        assert out == pytest.approx(tail)  # with no new gradient it is all that comes
    assert tails[-1][0] < 1e-4


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"delays": (1, 3), "feedbacks": (0.5, 0.5)}, r"add up to 1, and a tail would not die"),
        ({"delays": (1, 3), "feedbacks": (0.5,)}, "not of one number of combs"),
        ({"delays": (), "feedbacks": ()}, "not of one number of combs"),
    ],
)
def test_a_reverb_that_would_not_end_is_refused(settings, why):
    with pytest.raises(AuditionError, match=why):
        Reverb(**settings)


def test_an_impulse_comes_back_after_the_delay(heard):
    impulse = torch.zeros(12)
    impulse[5] = 1.0
    out = heard(Delay(steps=4, share=0.3, feedback=0.5), impulse.clone())
    expected = torch.zeros(12)
    expected[5], expected[9] = 0.7, 0.3 + 0.5 * 0.7
    torch.testing.assert_close(out, expected)


def test_the_first_steps_of_a_delay_are_dry_and_the_rest_as_defined(heard):
    x = noise(20, 3)
    out = heard(Delay(steps=3, share=0.4, feedback=-0.5), x.clone())
    expected = x.clone()
    for t in range(3, 20):
        expected[t] = 0.6 * x[t] + 0.4 * x[t - 3] - 0.5 * expected[t - 3]
    torch.testing.assert_close(out, expected)
    assert torch.equal(out[:3], x[:3])


@pytest.mark.parametrize("delay", [1, 2, 5])
@pytest.mark.parametrize(("share_of_bound", "stable"), [(0.97, True), (1.03, False)])
def test_delayed_descent_is_stable_up_to_its_bound(gradient, view, delay, share_of_bound, stable):
    """2 sin(π / (4 d + 2)) over the curvature, here 1."""
    rate = share_of_bound * 2.0 * sin(pi / (4 * delay + 2))
    effect = Delay(steps=delay, share=1.0)
    w, late = torch.ones(1, dtype=torch.float64), []
    params = {"w": w}
    state, here = effect.init(params, None), replace(view(params), clock=Clock(0))
    for _ in range(1500):
        after, state = effect.on_gradients(gradient({"w": w}), state, here)
        w = w - rate * after.grads["w"]
        late.append(abs(w.item()))
        if late[-1] > 1e6:
            break
    assert (max(late[-50:]) < 1e-2) is stable


@pytest.mark.parametrize(
    "effect",
    [Delay(steps=10), Reverb(delays=(1, 10)), Flanger(form="comb", longest=10)],
    ids=["delay", "reverb", "flanger"],
)
def test_a_delay_longer_than_the_run_is_refused(effect, heard):
    with pytest.raises(AuditionError, match="of 10 steps is longer than the run of 10"):
        heard(effect, noise(1, 2), steps=10)
    heard(effect, noise(1, 2), steps=11)
    heard(effect, noise(1, 2), steps=None)  # a budget of minutes does not say how many


@pytest.mark.parametrize("a", [-0.7, 0.0, 0.5])
def test_the_stages_of_a_phaser_are_scipys_and_keep_all_energy(heard, a):
    x = torch.cat([noise(50, 2), torch.zeros(200, 2, dtype=torch.float64)])
    out = heard(Phaser(share=1.0, coefficient=a, depth=0.0, stages=2), x.clone())
    torch.testing.assert_close(out, filtered(x.numpy(), allpass(1, a), allpass(1, a)))
    assert out.square().sum().item() == pytest.approx(x.square().sum().item(), rel=1e-9)


def test_half_a_phaser_has_notches_where_the_response_has(heard):
    """A sine at the notch is cancelled, one far from it is not."""
    b, a = allpass(1, -0.3)
    frequencies, response = signal.freqz(signal.convolve(b, b), signal.convolve(a, a), 4096, fs=1.0)
    magnitude = abs(0.5 + 0.5 * response)
    notch = frequencies[magnitude.argmin()]
    t = torch.arange(600, dtype=torch.float64)
    x = torch.sin(2 * pi * t[:, None] * torch.tensor([notch, 0.02]))
    out = heard(Phaser(coefficient=-0.3, depth=0.0), x.clone())[200:]
    assert magnitude.min() < 1e-3
    assert out[:, 0].abs().max() < 0.01
    assert out[:, 1].abs().max() > 0.9


def test_the_corner_swings_and_stays_within_the_unit_circle(gradient, view):
    effect, params = Phaser(coefficient=-0.5, depth=0.4, period=8.0), {"w": torch.zeros(1)}
    state, seen = effect.init(params, None), []
    for t in range(16):
        now = replace(view(params), clock=Clock(t))
        _, state = effect.on_gradients(gradient({"w": torch.ones(1)}), state, now)
        seen.append(effect.meters(state)["coefficient"])
    assert seen == pytest.approx([-0.5 + 0.4 * sin(2 * pi * t / 8) for t in range(16)])
    with pytest.raises(AuditionError, match="poles outside the unit circle"):
        Phaser(coefficient=0.6, depth=0.4)


def test_the_rate_swings_around_the_schedules_and_never_drifts(job_of):
    """Composed with a schedule in training: in the third period, too."""
    job = job_of("schedule=cosine")
    effect = Flanger(depth=0.3, period=8.0)
    job = replace(job, recipe=replace(job.recipe, effects=Chain({"flanger": effect})))
    session = begin(job.recipe, job.seed, "cpu")
    base = session.optimizer.param_groups[0]["lr"]
    for step in range(20):
        clock = Clock(step, 40, step / 40)
        advance(job, session, clock)
        expected = base * job.recipe.schedule(clock).lr * (1 + 0.3 * sin(2 * pi * step / 8))
        assert session.optimizer.param_groups[0]["lr"] == pytest.approx(expected)


def test_over_a_period_the_mean_rate_is_the_schedules():
    rates = [Flanger(depth=0.5, period=50.0).rate_at(step) for step in range(50)]
    assert sum(rates) / 50 == pytest.approx(1.0)
    assert (min(rates), max(rates)) == pytest.approx((0.5, 1.5), abs=2e-3)


def test_the_comb_of_a_flanger_by_hand(heard):
    x = noise(30, 2)
    effect = Flanger(form="comb", depth=0.4, period=12.0, longest=5)
    out = heard(effect, x.clone())
    delays = [effect.delay_at(t) for t in range(30)]
    assert (min(delays), max(delays), delays[:2]) == (1, 5, [1, 1])
    for t, delay in enumerate(delays):
        expected = x[t] + 0.4 * x[t - delay] if t >= delay else x[t]
        torch.testing.assert_close(out[t], expected)


def test_neutral_settings_listen_to_nothing():
    assert not Delay(steps=0).moments()
    assert not Delay(share=0.0).moments()
    assert not Phaser(share=0.0).moments()
    assert not Flanger(depth=0.0).moments()
    assert not Reverb(feedbacks=(0.0, 0.0)).moments()
    assert Flanger().moments() == {"before_batch"}
    assert Flanger(form="comb").moments() == {"on_gradients"}


def test_before_batch_multiplies_what_others_left(view):
    controls, state = Flanger(depth=0.3, period=4.0).before_batch(
        Controls(lr=0.5), {"given": ()}, replace(view({}), clock=Clock(1))
    )
    assert controls == Controls(lr=0.65)
    assert Flanger().meters(state) == {"rate": pytest.approx(1.3)}


@pytest.mark.parametrize(
    "effect",
    [
        Biquad(),
        Delay(steps=2, feedback=0.2),
        Flanger(form="comb", longest=2),
        Phaser(),
        Reverb(delays=(1, 2), diffusion=0.3),
    ],
    ids=lambda effect: type(effect).__name__,
)
def test_what_is_remembered_follows_the_units_of_a_layer(effect, gradient, view):
    """Units 0 and 2 of three go on as if the others had never been; a new one has no past."""

    def heard(resized):
        count, units = 3, Units(3, (Part("w", axis=0, role="incoming"),))
        params = {"w": torch.zeros(count)}
        state = effect.init(params, None)
        for step in range(6):
            if resized and step == 3:
                params = {"w": torch.zeros(4)}
                resize = Resize("site", units, kept=torch.tensor([0, 2]), count=4)
                state = effect.on_resize(resize, params, state)
            given = {"w": torch.arange(1.0, 1.0 + len(params["w"])) * (1 + step % 2)}
            if resized and step >= 3:
                given = {"w": torch.tensor([1.0, 3.0, 0.0, 0.0]) * (1 + step % 2)}
            here = replace(view(params), clock=Clock(step))
            after, state = effect.on_gradients(gradient(given), state, here)
        return after.grads["w"]

    ours, plain = heard(True), heard(False)
    torch.testing.assert_close(ours[:2], plain[[0, 2]])
    assert torch.equal(ours[2:], torch.zeros(2))


def test_layers_swing_one_after_another_around_the_rate(view):
    layers, period = 4, 12
    names = ["wte", *(f"blocks.{k}.w" for k in range(layers)), "head"]
    updates = {name: torch.ones(2) for name in names}
    effect = Phaser(form="layers", share=1.0, depth=0.4, period=period)
    state = effect.init(updates, None)
    assert effect.moments() == {"on_updates"}
    gains = []
    for step in range(period):
        here = replace(view(updates), clock=Clock(step))
        out, state = effect.on_updates(updates, state, here)
        assert torch.equal(out["wte"], out["blocks.0.w"])
        assert torch.equal(out["head"], out["blocks.3.w"])
        gains.append([out[f"blocks.{k}.w"][0].item() for k in range(layers)])
    expected = [
        [1 + 0.4 * sin(2 * pi * t / period + 2 * pi * k / layers) for k in range(layers)]
        for t in range(period)
    ]
    found = torch.tensor(gains)
    torch.testing.assert_close(found, torch.tensor(expected))
    torch.testing.assert_close(found.mean(0), torch.ones(layers))  # over a period
    torch.testing.assert_close(found.mean(1), torch.ones(period))  # over the layers


def test_a_swinging_layer_is_one_with_a_rate_of_its_own(job_of):
    """SGD with a rate for every parameter, by hand, makes the same step."""
    job = job_of(
        "optimizer=sgd",
        "optimizer.momentum=0",
        "optimizer.nesterov=false",
        "schedule=constant",
        "training.clip=null",
    )
    plain = begin(job.recipe, job.seed, "cpu")
    before = {n: p.detach().clone() for n, p in plain.params.items()}
    advance(job, plain, Clock(0, 10, 0.0))
    steps = {n: p.detach() - before[n] for n, p in plain.params.items()}
    effect = Phaser(form="layers", depth=0.6)
    job = replace(job, recipe=replace(job.recipe, effects=Chain({"p": effect})))
    session = begin(job.recipe, job.seed, "cpu")
    advance(job, session, Clock(0, 10, 0.0))
    phases = phases_of(before)
    assert len(set(phases.values())) > 1
    for name, p in session.params.items():
        gain = 1 + 0.3 * sin(2 * pi * phases[name])
        torch.testing.assert_close(
            p.detach() - before[name], gain * steps[name], rtol=1e-3, atol=1e-7
        )

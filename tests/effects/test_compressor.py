"""The compressor against Giannoulis et al.'s curve and time constants, and against torch's clipping."""

import math
from dataclasses import replace

import pytest
import torch

from audition.effects.anchor import Anchor
from audition.effects.compressor import Compressor, decibels, reduction, smoothed
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls
from audition.recipe.surprise import surprise
from audition.session import begin
from audition.training.rehearsal import rehearse
from audition.training.step import advance


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


def distant(params, complexity):
    """A gradient as an anchor before it in the chain hands it on."""
    found = Gradient({n: torch.zeros_like(p) for n, p in params.items()}, {}, Cost())
    return found.telling(complexity=torch.tensor(complexity))


def test_weights_far_from_their_anchor_are_turned_down_and_held_more_strongly(view):
    """6.02 dB too far at 2:1: half of it off the updates, and as much onto the anchor's strength."""
    params = {"w": torch.ones(3)}
    settings = {
        "listens_to": "complexity",
        "reference": 0.1,
        "ratio": 2.0,
        "knee": 0.0,
        "attack": 0.0,
    }
    far = distant(params, 0.5 * 0.2**2)
    on_updates, on_anchor = (Compressor(**settings, acts_on=what) for what in ("updates", "anchor"))
    same, state = on_updates.on_gradients(far, on_updates.init(params, None), view(params))
    assert same is far
    assert on_updates.on_updates(params, state, view(params))[0]["w"][0] == pytest.approx(0.5**0.5)
    controls, state = on_anchor.before_batch(Controls(), on_anchor.init(params, None), view(params))
    assert controls == Controls()  # the first step has nothing before it
    same, state = on_anchor.on_gradients(far, state, view(params))
    assert same is far
    controls, _ = on_anchor.before_batch(Controls(anchor=3.0), state, view(params))
    assert float(controls.anchor) == pytest.approx(3.0 * 2**0.5)
    assert on_anchor.moments() == {"before_batch", "on_gradients"}


def test_in_training_it_turns_the_strength_of_an_anchor_before_it(job_of):
    anchor = Anchor(strength=0.1)
    strong = Compressor(listens_to="gradient", acts_on="anchor", reference=1e-6, attack=0.0)
    job = job_of()
    job = replace(job, recipe=replace(job.recipe, effects=Chain({"a": anchor, "c": strong})))
    session = begin(job.recipe, job.seed, "cpu")
    for step in range(2):
        reduced = session.effects["c"].get("reduction", torch.zeros(()))
        report = advance(job, session, Clock(step, 10, step / 10))
        expected = 0.1 * 10 ** (-reduced.item() / 20)
        assert float(report.meters()["a/strength"]) == pytest.approx(expected)
    assert expected > 1.0


@pytest.mark.parametrize("word", ["listens_to=complexity", "acts_on=anchor"])
def test_without_an_anchor_before_it_it_is_refused_before_the_first_step(word, settings_of):
    words = ("preset=compressor", f"effects.compressor.{word}", "effects.compressor.reference=0.1")
    assert "needs an anchor before it in the chain" in rehearse(settings_of(*words))
    anchored = ("preset=anchor", "+preset@effects=compressor", *words[1:])
    assert rehearse(settings_of(*anchored)) == ""


def test_a_distance_needs_a_reference():
    with pytest.raises(AuditionError, match="listens_to=complexity needs a reference"):
        Compressor(listens_to="complexity")


def test_on_the_rate_a_steady_level_gives_one_gain_that_never_compounds(gradient, view):
    """Of the schedule's own rate at every step: 0 at the first of a warm-up stays 0."""
    effect = Compressor(acts_on="rate", ratio=math.inf, knee=0.0, attack=0.0, reference=0.5)
    grads = {"w": torch.full((4,), 1.0)}  # norm 2, four times the reference
    state = effect.init(grads, None)
    for step in range(5):
        planned = Controls(lr=step / 5)
        controls, state = effect.before_batch(planned, state, view(grads))
        expected = planned.lr * (0.25 if step else 1.0)
        assert controls.lr == pytest.approx(expected)
        after, state = effect.on_gradients(gradient(grads), state, view(grads))
        assert after.grads is grads


def test_in_training_a_rate_is_turned_down_by_the_gain_of_the_step_before(job_of):
    def moved(chain):
        job = job_of(
            "optimizer=sgd", "optimizer.momentum=0", "optimizer.nesterov=false", "schedule=constant"
        )
        job = replace(job, recipe=replace(job.recipe, effects=chain))
        session = begin(job.recipe, job.seed, "cpu")
        for step in range(2):
            before = {n: p.detach().clone() for n, p in session.params.items()}
            held = session.effects.get("c", {}).get("gain", torch.ones(())).item()
            report = advance(job, session, Clock(step, 10, step / 10))
            assert report.controls.lr == pytest.approx(held)
        return held, {n: p.detach() - before[n] for n, p in session.params.items()}

    # The first step has no gain yet, so that the second begins at the same weights.
    gain, ours = moved(Chain({"c": Compressor(acts_on="rate", reference=0.1, attack=0.0)}))
    _, plain = moved(Chain())
    assert gain < 0.5
    for name, change in plain.items():
        torch.testing.assert_close(ours[name], gain * change, rtol=1e-2, atol=1e-6)

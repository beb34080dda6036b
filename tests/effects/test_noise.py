"""Chorus and gradient noise against smoothing by hand, measured moments, and their own streams."""

from dataclasses import replace

import pytest
import torch
from scipy import signal
from torch import nn

from audition.effects.chorus import Chorus
from audition.effects.gradient_noise import GradientNoise
from audition.errors import AuditionError
from audition.recipe.batches import Batch, Clock
from audition.recipe.effect import Chain
from audition.recipe.gradient import backward, in_halves
from audition.recipe.noise import normal
from audition.recipe.problem import Cost, Loss, Problem
from audition.recipe.streams import Streams
from audition.session import begin
from audition.training.step import advance


class Powers(Loss):
    """Σ w^n / n, whose gradient is w^(n-1)."""

    def __init__(self, power):
        self.power = power

    def __call__(self, predict, batch, clock):
        return {"loss": (predict.model.weight**self.power).sum() / self.power}


@pytest.fixture
def problem():
    """A power and the value of all 4,000 weights -> the problem of it."""

    def posed(power, value):
        model = nn.Linear(4000, 1, bias=False)
        model.weight.data.fill_(value)
        batch = Batch(torch.zeros(2, 4000), torch.zeros(2), torch.arange(2), torch.zeros(2))
        return Problem(model, dict(model.named_parameters()), Powers(power), batch)

    return posed


def ask(effect, problem, view, rule=backward, step=0):
    here = replace(view(problem.params), clock=Clock(step))
    wrapped, state = effect.wrap_gradient(rule, None, here)
    gradient = wrapped(problem)
    _, state = effect.on_gradients(gradient, state, here)
    return gradient, state


def test_of_a_quadratic_the_mean_is_the_gradient_itself(problem, view):
    posed = problem(2, 3.0)
    found, _ = ask(Chorus(voices=8, jitter=0.1), posed, view)
    grads = found.grads["weight"]
    assert grads.mean().item() == pytest.approx(3.0, abs=5 * 0.3 / (8 * 4000) ** 0.5)
    assert grads.std().item() == pytest.approx(0.3 / 8**0.5, rel=0.1)


def test_of_a_quartic_it_is_that_of_the_smoothed_loss(problem, view):
    """E (x + σz)³ = x³ + 3 x σ²; each entry's deviation about 3 x² σ."""
    x, jitter, voices = 2.0, 0.25, 16
    found, _ = ask(Chorus(voices=voices, jitter=jitter), problem(4, x), view)
    sigma = jitter * x
    expected, error = x**3 + 3 * x * sigma**2, 9 * x**2 * sigma / (voices * 4000) ** 0.5
    assert expected - x**3 > 8 * error
    assert found.grads["weight"].mean().item() == pytest.approx(expected, abs=3 * error)


def test_every_voice_is_counted_and_the_weights_come_back_to_the_bit(problem, view):
    posed = problem(4, 0.1)
    before, store = posed.params["weight"].detach().clone(), posed.params["weight"].data_ptr()
    found, state = ask(Chorus(voices=3, jitter=0.5), posed, view)
    assert found.cost == Cost(3.0, 3.0)
    assert torch.equal(posed.params["weight"], before)
    assert posed.params["weight"].data_ptr() == store
    assert 1 / 3 < Chorus().meters(state)["agreement"].item() < 1.0


def test_voices_and_steps_draw_apart_and_one_step_draws_alike(problem, view):
    def heard(step):
        return ask(Chorus(voices=1, jitter=0.5), problem(2, 1.0), view, step=step)[0].grads[
            "weight"
        ]

    assert torch.equal(heard(0), heard(0))
    assert abs(torch.corrcoef(torch.stack([heard(0)[0], heard(1)[0]]))[0, 1]) < 0.06


def test_voices_without_jitter_agree(problem, view):
    posed = problem(4, 2.0)
    plain = backward(posed)
    found, state = ask(Chorus(voices=4, jitter=0.0), posed, view)
    torch.testing.assert_close(found.grads, plain.grads)
    assert found.terms["loss"].item() == pytest.approx(plain.terms["loss"].item())
    assert Chorus().meters(state)["agreement"].item() == pytest.approx(1.0)
    assert not Chorus(voices=1, jitter=0.0).moments()


def test_halves_are_means_too(problem, view):
    found, _ = ask(Chorus(voices=2), problem(2, 1.0), view, in_halves(backward))
    mean = sum(half["weight"] for half in found.halves) / 2
    torch.testing.assert_close(mean, found.grads["weight"])


def test_a_gate_that_says_no_hears_one_forward_pass_and_yes_all_of_them(problem, view):
    posed, asked = problem(2, 1.0), []

    def opens(answer):
        return lambda terms: asked.append(terms) or answer

    shut, state = ask(Chorus(), replace(posed, opens=opens(False)), view)
    assert (shut.closed, shut.cost, len(asked)) == (True, Cost(1.0, 0.0), 1)
    assert Chorus().meters(state) == {}
    made, _ = ask(Chorus(), replace(posed, opens=opens(True)), view)
    assert (made.closed, made.cost, len(asked)) == (False, Cost(2.0, 2.0), 2)


@pytest.mark.parametrize("step", [0, 9, 99])
@pytest.mark.parametrize("level", ["absolute", "relative"])
def test_noise_has_the_variance_of_the_paper(gradient, view, step, level):
    grads = {"w": torch.full((200, 300), 4.0), "b": torch.zeros(20_000)}
    effect = GradientNoise(variance=0.5, decay=0.55, level=level)
    here = replace(view(grads), clock=Clock(step))
    out, state = effect.on_gradients(gradient(grads), None, here)
    expected = (0.5 / (1 + step) ** 0.55) ** 0.5
    assert effect.meters(state)["deviation"] == pytest.approx(expected)
    for name, g in grads.items():
        noise = out.grads[name] - g
        size = 1.0 if level == "absolute" else g.square().mean().sqrt().item()
        assert noise.std().item() == pytest.approx(expected * size, rel=0.03)
        assert abs(noise.mean().item()) < 5 * expected * size / g.numel() ** 0.5 + 1e-9


def test_noise_is_normal(view):
    (noise,) = normal({"w": torch.zeros(100_000)}, Streams(7), "noise").values()
    assert noise.pow(4).mean().item() == pytest.approx(3.0, abs=0.1)
    assert (noise.abs() > 1.959964).float().mean().item() == pytest.approx(0.05, abs=0.004)


def test_noise_leaves_data_and_dropout_alone(job_of):
    """Both runs see the same batches and draw the same masks: the losses of the first step agree."""
    job = job_of("model.dropout=0.2")
    noisy = replace(job, recipe=replace(job.recipe, effects=Chain({"noise": GradientNoise()})))
    sessions = [begin(each.recipe, each.seed, "cpu") for each in (job, noisy)]
    states = []
    for each, session in zip((job, noisy), sessions, strict=True):
        torch.manual_seed(0)
        first = advance(each, session, Clock(0, 10, 0.0)).gradient
        states.append((first.terms["cross_entropy"].item(), torch.get_rng_state().tolist()))
        batch = session.batches.train(Clock(1)).inputs
        states[-1] += (batch.tolist(),)
    assert states[0] == states[1]
    params = [session.params for session in sessions]
    assert all(not torch.equal(p, params[1][name]) for name, p in params[0].items())


def test_no_variance_listens_to_nothing():
    assert not GradientNoise(variance=0.0).moments()


def test_a_chorus_of_averages_is_the_mean_of_scipys_filters(gradient, view):
    """Each running mean over the share that it has seen; no rule is asked."""
    betas, series = (0.0, 0.8, 0.95), torch.randn(40, 3, dtype=torch.float64)
    effect = Chorus(form="averages", betas=betas)
    assert effect.moments() == {"on_gradients"}
    state, out = effect.init({"w": series[0]}, None), []
    for g in series:
        g = g.clone()
        after, state = effect.on_gradients(gradient({"w": g}), state, view({"w": g}))
        out.append(after.grads["w"].clone())
        g.zero_()  # no state may be the signal
        after.grads["w"].zero_()
    seen = torch.arange(1, 41, dtype=torch.float64)[:, None]
    voices = [
        torch.from_numpy(signal.lfilter([1 - b], [1, -b], series.numpy(), axis=0)) / (1 - b**seen)
        for b in betas
    ]
    torch.testing.assert_close(torch.stack(out), torch.stack(voices).mean(0))
    lengths = torch.stack([voice[-1].square().sum() for voice in voices]).mean()
    agreement = effect.meters(state)["agreement"]
    torch.testing.assert_close(agreement, out[-1].square().sum() / lengths)


def test_a_steady_gradient_is_what_a_chorus_of_averages_hears(gradient, view):
    g = {"w": torch.randn(5)}
    effect = Chorus(form="averages")
    state = effect.init(g, None)
    for _ in range(4):
        after, state = effect.on_gradients(gradient(g), state, view(g))
        torch.testing.assert_close(after.grads["w"], g["w"])
    assert effect.meters(state)["agreement"].item() == pytest.approx(1.0)
    assert not Chorus(form="averages", betas=(0.0,)).moments()
    with pytest.raises(AuditionError, match="leaves no voice"):
        Chorus(betas=())

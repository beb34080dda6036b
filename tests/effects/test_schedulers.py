"""Schedulers of momentum, dropout and bits: their curves, and that training follows them."""

import math
from dataclasses import replace

import pytest
import torch

from audition.effects.dropout_scheduler import DropoutScheduler
from audition.effects.momentum_scheduler import MomentumScheduler
from audition.effects.quantization import Quantization, quantized, rows_to
from audition.errors import AuditionError
from audition.parts.dropout import Dropout
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Cost, Gradient, Problem
from audition.recipe.signals import Controls
from audition.session import begin
from audition.training.evaluation_weights import evaluation_weights
from audition.training.step import advance


def gains(effect, setting, at, view):
    """The gain on `setting` once each share of the budget is spent."""
    views = [replace(view({}), clock=Clock(0, 100, f)) for f in at]
    return [getattr(effect.before_batch(Controls(), None, v)[0], setting) for v in views]


@pytest.mark.parametrize("initial", [0.5, 0.9, 0.95])
def test_demon_falls_from_the_configured_momentum_to_zero(initial, view):
    at = [0.0, 0.25, 0.5, 0.75, 1.0]
    betas = [initial * g for g in gains(MomentumScheduler(initial=initial), "momentum", at, view)]
    assert (betas[0], betas[-1]) == (initial, 0.0)
    # Chen et al. 2019, equation 1: what is left of a gradient, b / (1 - b), decays linearly.
    left = [b / (1 - b) for b in betas]
    assert left == pytest.approx([left[0] * (1 - f) for f in at])


def test_one_cycle_turns_once_and_returns(view):
    effect = MomentumScheduler(curve="one_cycle", lowest=0.8, turn=0.3)
    at = [0.0, 0.15, 0.3, 0.65, 1.0]
    assert gains(effect, "momentum", at, view) == pytest.approx([1.0, 0.9, 0.8, 0.9, 1.0])


def test_a_gain_multiplies_what_another_effect_has_made(view):
    controls, _ = MomentumScheduler().before_batch(Controls(momentum=0.5), None, view({}))
    assert controls.momentum == 0.5


@pytest.mark.parametrize(
    ("optimizer", "setting"), [("adamw", "betas"), ("sgd", "momentum"), ("muon", "momentum")]
)
def test_every_group_of_the_optimizer_follows(optimizer, setting, job_of):
    """Muon's pair has groups of both kinds."""
    job = job_of(f"optimizer={optimizer}")
    chain = Chain({"momentum": MomentumScheduler(initial=0.5)})
    job = replace(job, recipe=replace(job.recipe, effects=chain))
    session = begin(job.recipe, job.seed, "cpu")
    kept = [dict(g) for g in session.optimizer.param_groups]
    for step, gain in ((0, 1.0), (5, 2 / 3), (10, 0.0)):
        advance(job, session, Clock(step, 10, step / 10))
        for group, own in zip(session.optimizer.param_groups, kept, strict=True):
            if "momentum" in own:
                assert group["momentum"] == pytest.approx(own["momentum"] * gain)
            if "betas" in own:
                assert group["betas"][0] == pytest.approx(own["betas"][0] * gain)
                assert group["betas"][1:] == own["betas"][1:]
    assert any(setting in own for own in kept)


def test_curriculum_dropout_comes_in_and_early_dropout_leaves(view):
    at = [0.0, 0.2, 0.5, 1.0]
    found = gains(DropoutScheduler(), "dropout", at, view)
    assert found[0] == 0.0
    assert found == pytest.approx([1 - math.exp(-5 * f) for f in at])
    assert gains(DropoutScheduler(curve="early"), "dropout", at, view) == [1.0, 1.0, 0.0, 0.0]


def test_every_dropout_reads_the_rate_attention_among_them(job_of, monkeypatch):
    told = []
    attention = torch.nn.functional.scaled_dot_product_attention

    def heard(*given, dropout_p=0.0, **more):
        told.append(dropout_p)
        return attention(*given, dropout_p=dropout_p, **more)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", heard)
    job = job_of("model.dropout=0.2")
    chain = Chain({"dropout": DropoutScheduler()})
    job = replace(job, recipe=replace(job.recipe, effects=chain))
    session = begin(job.recipe, job.seed, "cpu")
    drops = [m for m in session.model.modules() if isinstance(m, Dropout)]
    for step in (0, 5):
        told.clear()
        advance(job, session, Clock(step, 10, step / 10))
        rate = 0.2 * (1.0 - math.exp(-5.0 * (step / 10)))
        assert {m.p for m in drops} == {rate}
        assert set(told) == {rate}
    session.model.eval()
    assert {m.rate for m in drops} == {0.0}


def test_a_dropout_scheduler_of_a_model_without_dropout_is_refused(settings_of):
    with pytest.raises(AuditionError, match=r"effects\.dropout_scheduler acts on model\.dropout"):
        settings_of("preset=dropout_scheduler")
    settings_of("preset=dropout_scheduler", "model.dropout=0.1")


WEIGHT = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_each_row_has_few_levels_and_no_entry_moves_by_more_than_half_a_step(bits):
    weight = torch.randn(4, 2000, generator=torch.Generator().manual_seed(1))
    found = rows_to(weight, bits)
    for row, own in zip(found, weight, strict=True):
        assert len(row.unique()) <= 2**bits
        step = own.abs().max() / (2 ** (bits - 1) - 1)
        assert (row - own).abs().max() <= step * (0.5 + 1e-4)
    assert torch.allclose(rows_to(found, bits), found, rtol=1e-5)


def test_against_torchs_own_fake_quantizer():
    step = WEIGHT.flatten(1).abs().amax(1) / 7
    theirs = torch.fake_quantize_per_channel_affine(
        WEIGHT, step, torch.zeros(5, dtype=torch.int32), 0, -7, 7
    )
    assert torch.allclose(rows_to(WEIGHT, 4), theirs)


def test_sixteen_bits_are_nearly_the_weight_and_vectors_stay_whole():
    params = {"w": WEIGHT, "bias": torch.ones(3)}
    assert torch.allclose(quantized(params, 16)["w"], WEIGHT, atol=1e-4)
    assert quantized(params, 4).keys() == {"w"}
    assert quantized(params, 32) == {}
    assert rows_to(torch.zeros(2, 2), 4).tolist() == [[0, 0], [0, 0]]


def test_bits_begin_at_their_starts():
    effect = Quantization(bits=(16, 8, 4), starts=(0.1, 0.5, 0.75))
    shares = [0.0, 0.1, 0.49, 0.5, 0.74, 0.75, 1.0]
    assert [effect.at(f) for f in shares] == [32, 16, 16, 8, 8, 4, 4]


@pytest.mark.parametrize(
    ("starts", "said"), [((0.0,), "2 bits and 1 starts"), ((0.5, 0.5), "do not rise")]
)
def test_starts_that_do_not_fit_are_refused(starts, said):
    with pytest.raises(AuditionError, match=said):
        Quantization(bits=(8, 4), starts=starts)


def test_the_gradient_is_that_of_the_rounded_weights_passed_straight_through(view):
    """Of w^2 / 2 it is the rounded w; the weights themselves are whole before and after."""
    w = torch.nn.Parameter(WEIGHT.clone())

    def rule(problem):
        problem.params["w"].square().sum().mul(0.5).backward()
        return Gradient({"w": problem.params["w"].grad.clone()}, {}, Cost(1.0, 1.0))

    effect = Quantization(bits=(4,), starts=(0.0,))
    wrapped, state = effect.wrap_gradient(rule, None, view({"w": w}))
    found = wrapped(Problem(None, {"w": w}, None, None))
    assert torch.equal(found.grads["w"], rows_to(WEIGHT, 4))
    assert torch.equal(w.detach(), WEIGHT)
    assert effect.meters(state) == {"bits": 4.0}


class Inching(Effect):
    """Every update is far below a step of the grid."""

    def on_updates(self, updates, state, view):
        return {name: torch.full_like(u, 1e-4) for name, u in updates.items()}, state


def test_small_updates_add_up_and_evaluation_sees_the_rounded_weights(job_of):
    job = job_of()
    chain = Chain({"quantization": Quantization(bits=(4,), starts=(0.0,)), "inching": Inching()})
    job = replace(job, recipe=replace(job.recipe, effects=chain))
    session = begin(job.recipe, job.seed, "cpu")
    before = {n: p.detach().clone() for n, p in session.params.items()}
    for step in range(5):
        advance(job, session, Clock(step, 5, step / 5))
    live = {n: p.detach().clone() for n, p in session.params.items()}
    for name, p in live.items():
        assert torch.allclose(p, before[name] + 5e-4, atol=1e-6)
    with torch.no_grad(), evaluation_weights(job.recipe, session, Clock(5, 5, 1.0)):
        for name, p in session.params.items():
            seen = rows_to(live[name], 4) if p.ndim > 1 else live[name]
            assert torch.equal(p.detach(), seen)
    assert all(torch.equal(p.detach(), live[n]) for n, p in session.params.items())

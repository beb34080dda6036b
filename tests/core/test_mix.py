"""Mix: its two ends to the bit, and the blend of every signal between them."""

from dataclasses import replace

import pytest
import torch
from hydra.core.override_parser.overrides_parser import OverridesParser

from audition.config.chains import opened
from audition.config.root import check
from audition.effects.ema import EMA
from audition.effects.limiter import Limiter
from audition.effects.saturation import Saturation
from audition.errors import AuditionError
from audition.ideas.spectral_gate import Gate, SpectralGate
from audition.recipe.batches import Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.mix import Mix
from audition.recipe.problem import Cost, Gradient
from audition.recipe.signals import Controls, View
from audition.recipe.streams import Streams
from audition.sweep.arms import read_arms
from audition.training.build import build
from audition.training.loop import train

VIEW = View(Clock(0, 10, 0.0), Controls(), {}, Streams(0))


class Acts(Effect):
    """Each moment halves or shifts what it is given; it counts its calls."""

    def init(self, params, streams):
        return {"calls": 0, "number": streams.number("own")}

    def before_batch(self, controls, state, view):
        return replace(controls, lr=3.0, dropout=0.5), {**state, "calls": state["calls"] + 1}

    def wrap_gradient(self, rule, state, view):
        def doubled(problem):
            found = rule(problem)
            return found.with_grads({n: 2 * g for n, g in found.grads.items()})

        return doubled, state

    def on_gradients(self, gradient, state, view):
        return gradient.with_grads({n: -g for n, g in gradient.grads.items()}), state

    def on_updates(self, updates, state, view):
        return {n: u + 1 for n, u in updates.items()}, state

    def on_weights(self, params, state, view):
        return {n: p if n == "kept" else 0 * p for n, p in params.items()}, state

    def on_evaluation(self, params, state, view):
        return {n: p + 8 for n, p in params.items()}

    def meters(self, state):
        return {"calls": state["calls"]}


EFFECTS = {
    "saturation": Saturation(drive=1.0),
    "limiter": Limiter(ceiling=0.01),
    "gate": Gate(SpectralGate(every=2)),
    "gate, post": Gate(SpectralGate(every=2, mode="post")),
    "ema": EMA(decay=0.5),
    "controls": Acts(),
}


def run(job, effect):
    chain = Chain({} if effect is None else {"e": effect})
    return train(replace(job, recipe=replace(job.recipe, effects=chain)))


@pytest.fixture(params=EFFECTS)
def effect(request):
    return EFFECTS[request.param]


def test_the_ends_are_the_baseline_and_the_effect_bit_for_bit(
    effect, job_of, weights_of, differences
):
    job = job_of("model.dropout=0.1")
    off, on = run(job, None), run(job, effect)
    pairs = [
        (Mix(effect=effect, wet=0.0), off),
        (Mix(effect=effect, wet=0.4, bypass=True), off),
        (Mix(effect=effect, bypass=True), off),
        (Mix(effect=effect), on),
    ]
    for mix, expected in pairs:
        mixed = run(job, mix)
        assert not differences(weights_of(mixed), weights_of(expected))
        assert mixed.session.cost == expected.session.cost
        assert mixed.final == expected.final
    between = run(job, Mix(effect=effect, wet=0.5))
    assert between.final not in (off.final, on.final)


def test_between_every_signal_is_blended():
    mix, state = Mix(effect=Acts(), wet=0.25), Acts().init({}, Streams(0))
    controls, after = mix.before_batch(Controls(), state, VIEW)
    assert controls == Controls(lr=1.5, dropout=0.875)
    assert after["calls"] == 1  # the state is the effect's own
    ones = {"w": torch.full((2,), 4.0), "kept": torch.full((2,), 4.0)}
    gradient, _ = mix.on_gradients(Gradient(ones, {}, Cost()), state, VIEW)
    assert gradient.grads["w"].tolist() == [2.0, 2.0]
    assert mix.on_updates(ones, state, VIEW)[0]["w"].tolist() == [4.25, 4.25]
    weights, _ = mix.on_weights(ones, state, VIEW)
    assert weights["w"].tolist() == [3.0, 3.0]
    assert weights["kept"] is ones["kept"]
    assert mix.on_evaluation(ones, state, VIEW)["w"].tolist() == [6.0, 6.0]
    assert mix.meters(after) == {"calls": 1}


def test_a_wrapped_rule_is_asked_beside_the_dry_one_and_both_are_counted():
    def rule(problem):
        return Gradient({"w": torch.ones(2)}, {"loss": torch.tensor(3.0)}, Cost(1.0, 1.0))

    mixed, _ = Mix(effect=Acts(), wet=0.5).wrap_gradient(rule, {"calls": 0}, VIEW)
    found = mixed(None)
    assert found.grads["w"].tolist() == [1.5, 1.5]
    assert found.terms["loss"].item() == 3.0
    assert found.cost == Cost(2.0, 2.0)
    lets_be, _ = Mix(effect=EMA(), wet=0.5).wrap_gradient(rule, None, VIEW)
    assert lets_be is rule


@pytest.mark.parametrize(
    ("closed", "expected"),
    [((False, True), [0.75, 0.75]), ((True, False), [0.5, 0.5]), ((True, True), None)],
)
def test_what_is_closed_counts_as_zero(closed, expected):
    sides = [
        Gradient({} if shut else {"w": torch.full((2,), size)}, {}, Cost(), closed=shut)
        for shut, size in zip(closed, (1.0, 2.0), strict=True)
    ]

    class Turns(Effect):
        def on_gradients(self, gradient, state, view):
            return sides[1], state

    found, _ = Mix(effect=Turns(), wet=0.25).on_gradients(sides[0], None, VIEW)
    assert found.closed is (expected is None)
    assert [g.tolist() for g in found.grads.values()] == ([] if expected is None else [expected])


def test_mixes_nest_and_keep_their_streams(job_of):
    inner = Mix(effect=Acts(), wet=0.5)
    twice = Mix(effect=inner, wet=0.5)
    state = twice.init({}, Streams(0).child("e"))
    assert state == Acts().init({}, Streams(0).child("e"))
    updates = {"w": torch.zeros(1)}
    assert twice.on_updates(updates, state, VIEW)[0]["w"].item() == 0.25
    assert Mix(effect=Mix(effect=Acts(), wet=0.0)).moments() == frozenset()


CHAIN = "preset=saturation_limiter"


def test_any_effect_of_the_chain_may_carry_wet_and_bypass(job_of):
    job = job_of(CHAIN, "effects.limiter.wet=0.5", "effects.saturation.bypass=true")
    members = job.recipe.effects.members
    assert members == {
        "saturation": Mix(effect=Saturation(), bypass=True),
        "limiter": Mix(effect=Limiter(), wet=0.5),
    }


def test_fully_wet_is_the_same_run_and_checked_settings_pass_again(settings_of):
    plain = settings_of(CHAIN)
    assert settings_of(CHAIN, "effects.limiter.wet=1", "effects.limiter.bypass=false") == plain
    mixed = check(settings_of(CHAIN, "effects.limiter.wet=0.5"))
    assert check(mixed) == mixed
    assert mixed["effects"]["limiter"]["effect"] == plain["effects"]["limiter"]
    assert build(mixed).recipe.effects.members["limiter"].wet == 0.5


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "effects.limiter.wet=1.5",
            r"^effects\.limiter\.wet=1\.5 is out of range: it must be >= 0",
        ),
        ("effects.limiter.wet=-0.1", r"^effects\.limiter\.wet=-0\.1 is out of range"),
        ("effects.limiter.wet=much", r"^effects\.limiter\.wet='much' is not a number"),
        ("effects.limiter.bypass=2", r"^effects\.limiter\.bypass=2 is not true or false"),
        ("effects.limitr.wet=0.5", r"^unknown key 'effects\.limitr'; did you mean 'limiter'\?"),
        ("+effects.limiter.wett=1", r"^effects\.limiter\.wett .* did you mean 'wet'\?.*ceiling"),
        ("+effects.limiter.cieling=1", r"^effects\.limiter\.cieling .* did you mean 'ceiling'\?"),
    ],
)
def test_what_cannot_be_mixed_is_one_sentence(settings_of, word, said):
    with pytest.raises(AuditionError, match=said):
        settings_of(CHAIN, word)


def test_words_are_opened_and_arms_keep_their_names():
    words = ["effects.limiter.wet=0,0.5", "effects.a.b.wet=1", "effects.x.wetter=1", "model.wet=1"]
    assert opened(words) == [f"++{words[0]}", f"++{words[1]}", *words[2:]]
    assert opened(opened(words)) == opened(words)
    parsed = OverridesParser.create().parse_overrides(opened(words[:1]))
    assert [arm.name for arm in read_arms(parsed).arms] == [
        "effects.limiter.wet=0",
        "effects.limiter.wet=0.5",
    ]

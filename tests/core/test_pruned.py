"""Activity and pruning: planted effects of which each is known to idle, to harm or to help."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from audition.effects.ema import EMA
from audition.effects.momentum_scheduler import MomentumScheduler
from audition.effects.sharpness_aware import SharpnessAware
from audition.recipe.activity import ACTIVITY, watched
from audition.recipe.effect import Chain, Effect
from audition.recipe.mix import Mix
from audition.recipe.pruned import pruned
from audition.training.chain_study import Meters, activities, conflicts, recorded
from audition.training.loop import train


class Gain(Effect):
    def __init__(self, gain):
        self.gain = gain

    def on_updates(self, updates, state, view):
        return {n: self.gain * u for n, u in updates.items()}, state


CHAIN = Chain(
    {
        "idle": Gain(1.0),
        "tenth": Gain(1.1),
        "ema": EMA(decay=0.5),
        "sam": SharpnessAware(),
        "momentum": MomentumScheduler(),
        "bypassed": Mix(effect=Gain(9.0), bypass=True),
    }
)


def test_a_watched_chain_is_the_chain_and_says_what_each_effect_does(
    job_of, weights_of, differences
):
    job = job_of()
    plain = replace(job, recipe=replace(job.recipe, effects=CHAIN))
    meters = Meters()
    alone = train(plain)
    seen = train(replace(plain, recipe=replace(plain.recipe, effects=watched(CHAIN))), [meters])
    assert not differences(weights_of(seen), weights_of(alone))
    assert seen.final == alone.final
    found = {name: meters.last[f"{name}/{ACTIVITY}"] for name in CHAIN.members}
    assert found["idle"] == found["bypassed"] == 0.0
    assert found["tenth"] == pytest.approx(0.1, rel=1e-4)
    assert found["sam"] == 1.0  # it wraps the rule
    assert 0.0 < found["ema"] < 1.0  # by what evaluators see
    assert 0.0 < found["momentum"] < 1.0
    assert meters.last["ema/updates"] == 6.0


def test_what_idles_and_what_harms_goes_and_what_helps_or_is_unheard_stays():
    activity = {"idle": 0.0, "tenth": 0.1, "ema": 1e-9, "sam": 1.0, "momentum": 0.0}
    without = {
        "idle": (-0.01, 0.01),  # nothing to tell, and does nothing
        "tenth": (-0.01, 0.01),  # nothing to tell, but acts
        "ema": (-0.03, -0.01),  # helps, little as it does
        "sam": (0.01, 0.02),  # harms
        "bypassed": (float("nan"), float("nan")),
    }
    found = pruned(CHAIN, activity, without)
    assert found.why == {"idle": "does nothing", "sam": "is better left out"}
    assert list(found.chain.members) == ["tenth", "ema", "momentum", "bypassed"]
    assert pruned(Chain(), {}, {}).chain == Chain()


def test_recorded_steps_are_copies_of_the_baselines_own(settings_of):
    steps = recorded(settings_of("preset=sam", "budget.steps=6"), 4)
    assert [s.view.clock.step for s in steps] == [0, 1, 2, 3]
    for before, after in pairwise(steps):
        for name, w in before.weights.items():
            assert torch.equal(w, after.view.params[name])
            moved = before.view.params[name] + before.updates[name]
            assert torch.allclose(w, moved, atol=1e-6)
            assert not w.requires_grad


def test_a_configs_chain_is_studied_by_name(settings_of):
    settings = settings_of("preset=saturation_limiter", "+preset@effects=cautious")
    apart = conflicts(settings, 4)
    assert apart[("saturation", "limiter")] == 0.0
    assert apart[("limiter", "cautious")] > 0.01
    found = activities(settings, 4)
    assert list(found) == ["saturation", "limiter", "cautious"]
    assert all(share > 0 for share in found.values())

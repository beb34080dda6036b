"""Effects on three runs at once give each run's own numbers, in every form that they have."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from audition.effects.adaptive_clip import AdaptiveClip
from audition.effects.biquad import Biquad
from audition.effects.chorus import Chorus
from audition.effects.compressor import Compressor
from audition.effects.delay import Delay
from audition.effects.equalizer import Equalizer
from audition.effects.flanger import Flanger
from audition.effects.limiter import Limiter
from audition.effects.loss_equalizer import LossEqualizer
from audition.effects.phaser import Phaser
from audition.effects.reverb import Reverb
from audition.effects.saturation import Saturation
from audition.recipe.batches import Clock
from audition.training.packing.over_runs import at_once, of_run, stacked

RUNS = 3
EFFECTS = {
    "clip": AdaptiveClip(),
    "filter": Biquad(),
    "compressor": Compressor(threshold=-6.0),
    "compressor of surprise": Compressor(listens_to="surprise", acts_on="updates", makeup=1.0),
    "delay": Delay(steps=2, feedback=0.3),
    "depth": Equalizer(high=2.0),
    "comb": Flanger(form="comb", longest=2),
    "loss": LossEqualizer(edge=0.1),
    "phaser": Phaser(),
    "layers": Phaser(form="layers"),
    "look-ahead": Limiter(ceiling=0.1, lookahead=2),
    "averages": Chorus(form="averages"),
    "reverb": Reverb(delays=(1, 2), diffusion=0.5),
    "tanh": Saturation(drive=0.5),
    "soft": Saturation(drive=0.5, curve="soft"),
    "cubic": Saturation(drive=0.5, curve="cubic"),
}


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
def test_three_runs_at_once_are_each_run_alone(effect, gradient, view):
    generator = torch.Generator().manual_seed(0)

    def drawn():
        return {
            "blocks.0.w": torch.randn(RUNS, 4, 3, generator=generator),
            "blocks.1.b": torch.randn(RUNS, 4, generator=generator),
        }

    def step(number, params, grads, loss, state):
        here = replace(view(params), clock=Clock(number))
        found = replace(gradient(grads), terms={"loss": loss})
        if "on_gradients" in effect.moments():
            found, state = effect.on_gradients(found, state, here)
        updates = grads
        if "on_updates" in effect.moments():
            updates, state = effect.on_updates(grads, state, here)
        return dict(found.grads), dict(updates), state

    params = drawn()
    alone = [effect.init(of_run(params, place), None) for place in range(RUNS)]
    together = stacked(alone)
    for number in range(5):
        grads, loss = drawn(), torch.rand(RUNS, generator=generator)
        *found, together = at_once(partial(step, number), params, grads, loss, together)
        for place in range(RUNS):
            own = (of_run(tree, place) for tree in (params, grads, loss))
            *expected, alone[place] = step(number, *own, alone[place])
            torch.testing.assert_close(of_run(found, place), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(
        effect.meters(of_run(together, 0)), effect.meters(alone[0]), rtol=1e-5, atol=1e-6
    )

"""The presets for use cases: each trains, and no two train alike."""

import math

import pytest

from audition.training.build import build
from audition.training.loop import train

USE_CASES = {
    "continual_learning": "anchor",
    "few_shot": "sam",
    "efficient_pretrain": "surprise_gate",
    "test_time_training": "limiter",
    "vision": "adaptive_clip",
    "nlp": "loss_equalizer",
}


@pytest.fixture(scope="module")
def losses(settings_of):
    """Preset -> the validation loss after twenty steps."""
    jobs = {p: build(settings_of(f"preset={p}", "budget.steps=20")) for p in ("none", *USE_CASES)}
    return {preset: train(job).final["val/loss"] for preset, job in jobs.items()}


def test_each_trains_and_no_two_alike(losses):
    assert all(math.isfinite(loss) for loss in losses.values())
    assert len(set(losses.values())) == len(losses)


@pytest.mark.parametrize("preset", USE_CASES)
def test_each_is_edited_as_any_chain(preset, settings_of):
    effect = USE_CASES[preset]
    whole = settings_of(f"preset={preset}")["effects"]
    without = settings_of(f"preset={preset}", f"~effects.{effect}")["effects"]
    assert list(without) == [name for name in whole if name != effect]


def test_pictures_train_with_the_preset_for_them(settings_of):
    settings = settings_of("experiment=digits", "preset=vision")
    assert math.isfinite(train(build(settings)).final["val/loss"])

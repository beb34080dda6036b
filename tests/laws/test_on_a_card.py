"""The laws that a card could break: every file of conf/ trains there, and stopped is uninterrupted."""

import pytest
import torch
from tests.laws.test_conf import APART, FILES, TOO_LARGE, overrides, stood_in

from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.training.build import build
from audition.training.loop import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")

CARD = "execution.device=cuda"
OF_THE_MACHINE = ("logger/", "energy/", "parallel/", "data/stdlib")
ROWS = {
    "text": (),
    "bf16": ("precision=bf16",),
    "pictures": ("experiment=digits",),
    "ema": ("preset=ema",),
    "gate and ceilings": ("+idea=spectral_gate", "optimizer=muon", "preset=saturation_limiter"),
    "turnover": (
        *(
            "apoptosis=functional_preservation",
            "apoptosis/timetable=periodic",
            "apoptosis.timetable.interval=2",
        ),
        "apoptosis.timetable.warmup=1",
    ),
}


@pytest.mark.parametrize(
    "name",
    [n for n in FILES if n not in APART | TOO_LARGE and not n.startswith(OF_THE_MACHINE)],
)
def test_every_file_trains_on_the_card(name, settings_of, tmp_path):
    words = (*overrides(name), *stood_in(name, tmp_path), CARD)
    outcome = train(build(settings_of(*words, base=())))
    assert outcome.status == "finished"
    assert all(p.device.type == "cuda" for p in outcome.session.params.values())


@pytest.mark.parametrize("row", ROWS)
def test_stopped_and_resumed_is_uninterrupted(row, job_of, differences, weights_of, tmp_path):
    whole = train(job_of(*ROWS[row], CARD))
    train(job_of(*ROWS[row], CARD), [Checkpoint(tmp_path)], interrupted=lambda step: step == 4)
    resumed = train(job_of(*ROWS[row], CARD), resume=read_checkpoint(tmp_path / NAME, ""))
    assert not differences(weights_of(resumed), weights_of(whole))
    assert resumed.final == whole.final


@pytest.mark.parametrize("row", ["bf16", "gate and ceilings"])
def test_one_seed_gives_the_same_bits_twice(row, job_of, differences, weights_of):
    wide = ("precision=bf16", "model.width=128", "model.heads=2", "model.context=64")
    first, second = (train(job_of(*ROWS[row], *wide, CARD)) for _ in range(2))
    assert not differences(weights_of(first), weights_of(second))

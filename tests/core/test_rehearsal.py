"""A run put together beforehand: what only a part would refuse is a sentence, nothing is trained."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from audition.training.rehearsal import PartsCache, rehearse, work

Settings = Callable[..., dict[str, Any]]

REFUSED = [
    ("model.heads=3", "width=32 cannot be split over heads=3: it must divide"),
    ("attention=grouped", "heads=2 cannot share kv_heads=4: it must divide"),
    ("model.vocab=5", "vocab=5 is smaller than the data's"),
    (
        "execution.accumulate=3",
        "execution.accumulate=3 does not divide the 4 rows that a process has of a batch; "
        "choose from: 1, 2, 4, or another data.batch_size",
    ),
    ("model.width=100000000", "GB: make it smaller"),
    ("task=classification data=shakespeare", "and Shakespeare has many answers in each: choose"),
    (
        "+idea=progressive task=stream",
        "which task.scenario=class does not tell: choose task=stream",
    ),
    (
        "task=episodes task.novel=9",
        "task.novel=9 of the 10 classes of Digits leaves fewer than two",
    ),
    ("parallel=ddp execution.accumulate=4", "does not divide the 2 rows that a process has"),
    ("optimizer=sgd optimizer.momentum=0", "nesterov=true looks ahead along a momentum"),
    ("data.batch_size=10000000", "data.batch_size=10000000 is more than the"),
    (
        "+idea=spectral_gate data.batch_size=3",
        "a batch of 3 rows cannot be split into 2 equal parts",
    ),
    ("precision._target_=audition.execution.Execution", "cannot be put together (TypeError: "),
    ("energy._target_=audition.trackers.tracker.Tracker", "cannot be put together (TypeError: "),
]


@pytest.mark.parametrize(("line", "said"), REFUSED, ids=[line for line, _ in REFUSED])
def test_what_only_a_part_refuses(settings_of: Settings, line: str, said: str) -> None:
    told = rehearse(settings_of(*line.split()))
    assert said in told
    assert "\n" not in told


def test_a_model_that_does_not_answer_what_the_data_ask(settings_of: Settings) -> None:
    told = rehearse(settings_of("model=mlp", "data.context=16", "budget.steps=2", base=()))
    assert "the model gives 1 answers a row, and the data ask for 16" in told


@pytest.mark.parametrize(
    "line",
    [
        "",
        "parallel=ddp parallel.processes=4",
        "execution.accumulate=2 +idea=spectral_gate",
        "apoptosis=functional_preservation preset=saturation_limiter optimizer=muon",
        "execution.device=cuda precision=bf16",
        "experiment=digits",
    ],
)
def test_what_can_be_trained_passes(settings_of: Settings, line: str) -> None:
    base = () if "digits" in line else None
    settings = settings_of(*line.split(), **({} if base is None else {"base": base}))
    assert rehearse(settings) == ""


def test_a_stage_makes_a_model_and_opens_data_once(settings_of: Settings) -> None:
    cache = PartsCache()
    for line in ("", "optimizer.lr=1e-3", "seed=7", "schedule=constant"):
        assert rehearse(settings_of(*line.split()), cache) == ""
    assert (len(cache.batches), len(cache.modules)) == (1, 1)
    assert rehearse(settings_of("data.batch_size=2"), cache) == ""
    assert rehearse(settings_of("model.width=64"), cache) == ""
    assert (len(cache.batches), len(cache.modules)) == (2, 2)


def test_weights_have_no_numbers_and_the_generator_is_left_alone(settings_of: Settings) -> None:
    cache, before = PartsCache(), torch.get_rng_state()
    assert rehearse(settings_of("model.dropout=0.1"), cache) == ""
    ((model, _),) = cache.modules.values()
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert torch.equal(torch.get_rng_state(), before)


def test_the_first_that_cannot_begin_is_answered(settings_of: Settings, tmp_path: Path) -> None:
    def answered(*lines: str) -> Any:
        answer = tmp_path / f"{len(lines)}.json"
        settings: list[Mapping[str, Any]] = [settings_of(*line.split()) for line in lines]
        assert work({"settings": settings, "answer": str(answer)}, None) == 0
        return json.loads(answer.read_text()) if answer.exists() else None

    assert answered("") is None
    number, why = answered("", "model.heads=3", "model.heads=5")
    assert number == 1
    assert "heads=3" in why

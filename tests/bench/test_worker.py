"""A measuring process trains by the trainer's own step and evaluates by its own pass."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from audition.bench import worker
from audition.bench.worker import Part, meet, time_job
from audition.session import begin
from audition.training.job import Job


def test_speeds_are_those_of_the_trainers_step_and_of_its_evaluation(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of()
    steps: list[Any] = []
    own_advance, own_evaluate = worker.advance, worker.evaluate

    def advance(*given: Any) -> Any:
        steps.append(given[2])
        time.sleep(0.01)
        return own_advance(*given)

    def evaluate(*given: Any) -> Any:
        time.sleep(0.1)
        return own_evaluate(*given)

    monkeypatch.setattr(worker, "advance", advance)
    monkeypatch.setattr(worker, "evaluate", evaluate)
    found = time_job(job, 0.1, evaluated=True)
    assert found.units_per_step == 64
    assert 64 / 0.1 < found.units_per_s < 64 / 0.01
    assert found.held_out_units == 512
    assert found.held_out_units_per_s is not None
    assert found.held_out_units_per_s < 512 / 0.1
    assert found.cores < 0.95  # it slept
    assert 50 < found.memory_mb < 20_000
    session = begin(job.recipe, job.seed, "cpu")
    assert found.parameters == sum(p.numel() for p in session.params.values())
    taken = {(clock.step, clock.fraction) for clock in steps}
    assert {(0, 0.0), (1, 1 / 6)} <= taken <= {(n, n / 6) for n in range(6)}
    assert time_job(job, 0.01, evaluated=False).held_out_units_per_s is None


def test_a_part_of_a_pass_is_its_first_batches(job_of: Callable[..., Job]) -> None:
    job = job_of()
    whole = begin(job.recipe, job.seed, "cpu").batches
    part = Part(whole, 100)
    batches = list(part.held_out(64))
    assert part.units == sum(batch.units for batch in batches) == 128
    for batch, own in zip(batches, whole.held_out(64), strict=False):
        assert torch.equal(batch.inputs, own.inputs)
    assert part.shape == whole.shape
    assert len(list(Part(whole, 1).held_out(64))) == 1


def test_nobody_is_timed_before_all_are_warm(tmp_path: Path) -> None:
    early = threading.Thread(target=meet, args=(tmp_path, 0, 2))
    early.start()
    early.join(0.05)
    assert early.is_alive()
    meet(tmp_path, 1, 2)
    early.join(1.0)
    assert not early.is_alive()

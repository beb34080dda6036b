"""The machine's side of a run changes how fast it is, and its numbers within their rounding only."""

import shutil

import pytest
import torch

from audition import execution
from audition.training.loop import train


def test_reduced_precision_follows_full_precision_closely(trained):
    full, reduced = trained(), trained("precision=bf16")
    losses = [[e.metrics["val/loss"] for e in o.session.evaluations] for o in (full, reduced)]
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=2e-3)


def test_master_weights_moments_and_gradients_stay_in_float32(job_of):
    job = job_of("precision=bf16")
    session = train(job).session
    state = session.optimizer.state_dict()["state"]
    kept = [*session.params.values(), *(t for each in state.values() for t in each.values())]
    assert {str(t.dtype) for t in kept} == {"torch.float32"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model_trains_the_same_parameters(job_of, trained):
    plain = trained()
    session = train(job_of("execution.compile=true")).session
    assert list(session.params) == list(plain.session.params)
    losses = [e.metrics["val/loss"] for e in session.evaluations]
    assert losses == pytest.approx(
        [e.metrics["val/loss"] for e in plain.session.evaluations], rel=1e-5
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
@pytest.mark.filterwarnings("ignore")
def test_model_and_loss_are_compiled_once_whatever_the_clock_says(job_of):
    torch._dynamo.reset()
    counters = torch._dynamo.utils.counters
    counters.clear()
    train(job_of("execution.compile=true", "schedule=cosine", "model.width=24"))
    assert counters["stats"]["unique_graphs"] == 1


def test_without_a_compiler_a_run_goes_on_uncompiled(job_of, trained, monkeypatch):
    monkeypatch.setattr(execution, "why_uncompiled", lambda device: "no compiler")
    found = train(job_of("execution.compile=true"))
    assert found.final == trained().final

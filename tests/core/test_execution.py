"""The machine's side of a run changes how fast it is, and its numbers within their rounding only."""

import shutil
from contextlib import ExitStack

import pytest

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
    import torch

    torch._dynamo.reset()
    counters = torch._dynamo.utils.counters
    execution.why_uncompiled("cpu")  # compiles a sum
    counters.clear()
    train(job_of("execution.compile=true", "schedule=cosine", "model.width=24"))
    assert counters["stats"]["unique_graphs"] == 1


def test_what_is_compiled_is_kept_beside_the_tokens(monkeypatch, tmp_path):
    import torch._inductor.codecache
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    own = default_cache_dir()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", own)  # as torch does when it is imported
    execution.keep_compiled(str(tmp_path))
    assert torch._inductor.codecache.cache_dir() == str(tmp_path / "compiled")
    execution.keep_compiled("elsewhere")  # the first ledger's, or what the user said
    assert torch._inductor.codecache.cache_dir() == str(tmp_path / "compiled")


@pytest.fixture
def compiler(monkeypatch, tmp_path):
    """A path -> this process compiles with it, and has compiled nothing yet."""
    import torch._dynamo
    import torch._inductor.config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    with ExitStack() as stack:

        def chosen(path):
            stack.enter_context(torch._inductor.config.patch({"cpp.cxx": (None, str(path))}))
            torch._dynamo.reset()
            execution.why_uncompiled.cache_clear()

        yield chosen
    torch._dynamo.reset()
    execution.why_uncompiled.cache_clear()


def test_without_a_compiler_a_run_goes_on_uncompiled(compiler, job_of, trained, tmp_path):
    compiler(tmp_path / "nowhere")
    why = "execution.compile=true needs a C++ compiler, such as g++"
    assert execution.why_uncompiled("cpu") == why
    found = train(job_of("execution.compile=true"))
    assert found.final == trained().final


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
def test_with_a_compiler_that_lacks_its_headers_too(compiler, job_of, trained, tmp_path):
    broken = tmp_path / "c++"
    says = "fatal error: Python.h: No such file or directory"
    broken.write_text(
        '#!/bin/sh\ncase "$*" in *--version*) exec g++ --version;; esac\n'
        f'echo "{says}" >&2\nexit 1\n'
    )
    broken.chmod(0o755)
    compiler(broken)
    assert execution.why_uncompiled("cpu") == (
        f"execution.compile=true, and torch cannot compile here ({says})"
    )
    found = train(job_of("execution.compile=true"))
    assert found.final == trained().final

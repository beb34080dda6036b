"""What is made of Slurm's answers, with a `squeue` that answers as told; no Slurm is needed."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from audition.errors import AuditionError
from audition.sweep.cluster.queue import (
    OVER,
    JobState,
    cancel,
    parse,
    require_slurm,
    states,
    why_waiting,
)

Answer = Callable[..., None]


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Sets what a command of Slurm's says, and with which exit code."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def answer(lines: str, code: int = 0, command: str = "squeue") -> None:
        stream = "&2" if code else "&1"
        script = tmp_path / command
        script.write_text(f"#!/bin/sh\nprintf '{lines}' >{stream}\nexit {code}\n")
        script.chmod(0o755)

    return answer


def test_lines_become_states() -> None:
    found = parse(
        "7_0|RUNNING|2026-01-02T03:04:05|None\n7_1|PENDING|2026-01-03T00:00:00|Resources\n"
        "8|OUT_OF_MEMORY|N/A|OutOfMemory\n\nnoise\n"
    )
    assert found == {
        "7_0": JobState("RUNNING", began=datetime(2026, 1, 2, 3, 4, 5).timestamp()),
        "7_1": JobState("PENDING", "Resources"),
        "8": JobState("OUT_OF_MEMORY", "OutOfMemory"),
    }
    assert [found[job].alive for job in found] == [True, True, False]
    assert [found[job].waits for job in found] == [False, True, False]


@pytest.mark.parametrize("word", ["CONFIGURING", "COMPLETING", "SUSPENDED", "REQUEUED", "STOPPED"])
def test_a_job_in_between_is_alive(word: str) -> None:
    assert JobState(word).alive


def test_a_job_that_slurm_holds_is_stuck_and_one_that_a_user_holds_waits() -> None:
    held = JobState("PENDING", "launch failed requeued held")
    assert held.stuck
    assert "`scontrol release` lets it go on" in held.end()
    assert not JobState("PENDING", "JobHeldUser").stuck
    assert not JobState("PENDING", "Priority").stuck


@pytest.mark.parametrize("word", [*OVER, ""])
def test_a_job_that_is_over_has_an_end(word: str) -> None:
    assert not JobState(word).alive
    assert JobState(word).end()


def test_a_job_the_queue_has_forgotten_is_over(answers: Answer) -> None:
    answers("7_0|RUNNING|N/A|None\\n")
    found = states(["7_0", "7_1"], ["7"])
    assert found == {"7_0": JobState("RUNNING"), "7_1": JobState("")}
    answers("slurm_load_jobs error: Invalid job id specified", 1)
    assert states(["7_0"], ["7"]) == {"7_0": JobState("")}


def test_times_are_asked_for_in_the_format_that_is_read(
    answers: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_TIME_FORMAT", "relative")
    answers("")
    (tmp_path / "squeue").write_text(
        '#!/bin/sh\n[ "$SLURM_TIME_FORMAT" = standard ] && '
        'echo "7_0|RUNNING|2026-01-01T00:00:00|None"\n'
    )
    found = states(["7_0"], ["7"])
    assert found is not None
    assert found["7_0"].began == datetime(2026, 1, 1).timestamp()


def test_no_answer_is_not_an_end(answers: Answer) -> None:
    answers("slurm_load_jobs error: Unable to contact slurm controller", 1)
    assert states(["7_0"], ["7"]) is None


def test_a_machine_without_slurm_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AuditionError, match=r"Slurm's sbatch is not on this machine"):
        require_slurm()


def test_a_refused_cancel_is_said(answers: Answer) -> None:
    answers("scancel: error: Access/permission denied", 1, "scancel")
    with pytest.raises(AuditionError, match=r"did not end the jobs: .*denied"):
        cancel(["7"])


def test_a_job_whose_node_does_not_answer_is_named_by_its_state() -> None:
    states = [JobState("COMPLETING"), JobState("RUNNING"), JobState("PENDING"), JobState("")]
    assert why_waiting(states) == " (COMPLETING)"
    assert why_waiting([JobState("RUNNING")]) == ""

"""Jobs that go badly: each costs itself only, and says why."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from pool_told import RunJobs, Told, alive, until

from audition.errors import AuditionError
from audition.sweep.pool import End, Job, PoolSettings, run_pool

FAILURES: list[tuple[dict[str, Any], int, str, str]] = [
    ({"do": "die", "signal": 9}, -9, "killed by signal 9 (out of memory?)", "last words"),
    ({"do": "die", "signal": 11}, -11, "killed by signal 11 (SIGSEGV)", "Segmentation fault"),
    ({"do": "die", "signal": 15}, -15, "killed by signal 15 (SIGTERM)", "last words"),
    ({"do": "leave", "code": 7}, 7, "exited with code 7", ""),
    ({"do": "leave", "code": "no more"}, 1, "exited with code 1", "no more"),
    ({"do": "code", "code": 3}, 3, "exited with code 3", ""),
    ({"do": "trip"}, 1, "raised ValueError: the loss is odd", 'raise ValueError("the loss'),
    ({"do": "user_mistake"}, 1, "there is no optimizer 'muno'.", "AuditionError"),
]


@pytest.mark.parametrize(("payload", "code", "reason", "logged"), FAILURES)
def test_a_failure_costs_its_own_run_only(
    run_jobs: RunJobs,
    tmp_path: Path,
    payload: dict[str, Any],
    code: int,
    reason: str,
    logged: str,
) -> None:
    log = tmp_path / "log"
    bad = {"name": "bad", "log": str(log), **payload}
    told = run_jobs([{"name": "a", "do": "nothing"}, bad, {"name": "b", "do": "nothing"}])
    end = told.ends.pop("bad")
    assert (end.status, end.exit_code, end.reason) == ("failed", code, reason)
    assert logged in log.read_text()
    assert [other.status for other in told.ends.values()] == ["ok", "ok"]


def test_a_log_that_cannot_be_written_is_a_failure_with_a_reason(
    run_jobs: RunJobs, tmp_path: Path
) -> None:
    told = run_jobs([{"name": "a", "do": "nothing", "log": str(tmp_path)}])
    assert told.ends["a"].reason.startswith("raised IsADirectoryError")


TIMEOUT_S = 20.0 if "COVERAGE_PROCESS_CONFIG" in os.environ else 5.0
"""Longer than a run of nothing takes; under coverage each process also writes down what it ran."""


@pytest.mark.parametrize(("do", "grace_s", "code"), [("hang", 600.0, 143), ("stubborn", 0.2, -9)])
def test_a_run_that_hangs_is_stopped_with_all_it_started(
    run_jobs: RunJobs, tmp_path: Path, do: str, grace_s: float, code: int
) -> None:
    slow = {"name": "slow", "do": do, "out": str(tmp_path / "pids")}
    others = [{"name": str(n), "do": "nothing"} for n in range(3)]
    told = run_jobs([slow, *others], timeout_s=TIMEOUT_S, grace_s=grace_s)
    end = told.ends.pop("slow")
    assert (end.status, end.exit_code, end.reason) == (
        "failed",
        code,
        f"timed out after {TIMEOUT_S:g} s",
    )
    assert TIMEOUT_S <= end.seconds < 600.0  # of the ten minutes that it would take
    assert {other.status for other in told.ends.values()} == {"ok"}
    me, _, *mine = json.loads((tmp_path / "pids").read_text())
    until(lambda: not any(map(alive, [me, *mine])))


def test_a_run_that_is_whole_at_the_last_moment_counts(run_jobs: RunJobs, tmp_path: Path) -> None:
    told = run_jobs([{"name": "a", "do": "finish", "out": str(tmp_path / "a")}], timeout_s=0.3)
    assert (told.ends["a"].status, told.ends["a"].exit_code) == ("ok", 0)


def test_a_busy_run_waits_its_turn_without_spinning(run_jobs: RunJobs, tmp_path: Path) -> None:
    door, tries = str(tmp_path / "door"), tmp_path / "tries"
    told = run_jobs(
        [
            {"name": "held", "do": "held", "free": door, "out": str(tries)},
            {"name": "holder", "do": "free", "out": door},
        ],
        workers=1,
    )
    assert told.attempts == [("held", "busy"), ("holder", "ok"), ("held", "ok")]
    assert list(told.ends) == ["holder", "held"]
    assert tries.read_text() == "xx"


def test_the_sweep_outlives_its_server(run_jobs: RunJobs, tmp_path: Path) -> None:
    neighbour = tmp_path / "neighbour"
    told = run_jobs(
        [
            {"name": "neighbour", "do": "hang", "out": str(neighbour)},
            {"name": "killer", "do": "kill_server", "wait_for": str(neighbour)},
            *({"name": str(n), "do": "nothing"} for n in range(4)),
        ]
    )
    for name in ("neighbour", "killer"):
        end = told.ends.pop(name)
        assert (end.status, end.reason) == (
            "failed",
            "lost with its fork server (killed by signal 9)",
        )
    assert [end.status for end in told.ends.values()] == ["ok"] * 4
    assert not alive(json.loads(neighbour.read_text())[0])
    assert Path(f"{neighbour}.term").exists()


def test_a_stubborn_run_does_not_outlive_its_server(run_jobs: RunJobs, tmp_path: Path) -> None:
    stubborn = tmp_path / "stubborn"
    run_jobs(
        [
            {"name": "stubborn", "do": "stubborn", "out": str(stubborn)},
            {"name": "killer", "do": "kill_server", "wait_for": str(stubborn)},
        ]
    )
    me, _, mine = json.loads(stubborn.read_text())
    until(lambda: not alive(me) and not alive(mine))


def test_a_server_that_cannot_start_is_given_up(told: Told) -> None:
    settings = PoolSettings(preload=("pool_bad_preload",), entry="pool_entries:work")
    with pytest.raises(
        AuditionError, match=r"died 3 times while starting: exited with code 3, oh no"
    ):
        run_pool([Job("a", "g", {})], settings, on_end=told.on_end, display=told)
    assert told.ends == {}


def test_an_on_end_that_raises_stops_the_rest(told: Told, tmp_path: Path) -> None:
    def on_end(job: Job, end: End) -> None:
        told.on_end(job, end)
        if job.label == "a":
            raise RuntimeError("the disk is full")

    slow = tmp_path / "slow"
    jobs = [
        Job("slow", "g", {"do": "hang", "out": str(slow)}),
        Job("a", "g", {"do": "span", "out": str(tmp_path / "a")}),
    ]
    settings = PoolSettings(workers=2, preload=(), entry="pool_entries:work")
    with pytest.raises(RuntimeError, match="the disk is full"):
        run_pool(jobs, settings, on_end=on_end, display=told)
    assert told.ends["slow"].status == "interrupted"
    assert told.ends["slow"].exit_code in (-signal.SIGTERM, 143)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"workers": 0}, r"workers=0 is too small: it must be at least 1\."),
    ({"threads": 0}, "threads=0"),
    ({"runs_per_gpu": 0}, "runs_per_gpu=0"),
    ({"timeout_s": 0}, "timeout_s=0 must be above 0"),
    ({"timeout_s": float("nan")}, "timeout_s=nan"),
    ({"grace_s": -1}, "grace_s=-1"),
    ({"entry": "pool_entries"}, "must be written module:function"),
    ({"entry": "pool_entries:wrok"}, "did you mean 'work'"),
    ({"entry": "pool_entrees:work"}, "ModuleNotFoundError: No module named 'pool_entrees'"),
    ({"gpus": (0, 0)}, "names a card twice"),
    ({"gpus": (2,)}, "names card 2; choose from: 0, 1"),
    ({"gpus": (-1,)}, "names card -1"),
]


@pytest.mark.parametrize(("settings", "said"), MISTAKES)
def test_a_mistake_is_told_in_one_sentence(
    run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(AuditionError, match=said):
        run_jobs([{"name": "a", "do": "nothing"}], **settings)

"""Waiting believes the ledger, then the queue; what both have given up is filed as failed."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from audition.records.record import Record, Status, now
from audition.records.store import Ledger
from audition.records.submission import Submission, SubmittedJob, keep, submissions
from audition.sweep.cluster import follow as room
from audition.sweep.cluster.follow import follow, look, lost, settle, summary
from audition.sweep.cluster.queue import JobState
from audition.sweep.cluster.signs_of_life import NO_SIGN_S

RUNNING, GONE = JobState("RUNNING"), JobState("CANCELLED")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "outputs")


@pytest.fixture
def filed(ledger: Ledger) -> Callable[..., Record]:
    def write(seed: int, status: Status) -> Record:
        record = Record(
            key=f"{seed:032x}",
            config_hash="c" * 16,
            baseline_hash="c" * 16,
            arm="baseline",
            ideas=(),
            seed=seed,
            status=status,
            started=now(),
        )
        ledger.write(record)
        return record

    return write


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    """Two jobs of two runs each; the first has written a log."""
    (tmp_path / "0.err").write_text("")
    runs = [f"baseline/{'c' * 16}/seed_{seed}" for seed in range(4)]
    jobs = tuple(
        SubmittedJob(id=f"7_{n}", runs=tuple(runs[2 * n : 2 * n + 2]), log=f"{tmp_path}/{n}.err")
        for n in range(2)
    )
    return Submission(plan="p", cluster="slurm", jobs=jobs, probe="", written="2026-01-01")


def test_only_runs_without_an_outcome_are_lost_with_their_job(
    ledger: Ledger, submission: Submission, filed: Callable[..., Record]
) -> None:
    for seed, status in enumerate(("finished", "running", "queued", "interrupted")):
        filed(seed, status)
    states = {"7_0": GONE, "7_1": JobState("PENDING", "Resources")}
    view = look(ledger, submission, lambda: states)
    assert [Path(run).name for run in lost(submission, view)] == ["seed_1"]
    assert summary(submission, view) == "1 of 4 runs over, 1 running, 2 in the queue (Resources)"


def test_a_lost_run_is_failed_with_its_reason(
    ledger: Ledger, submission: Submission, filed: Callable[..., Record]
) -> None:
    records = [filed(seed, "running") for seed in range(4)]
    view = look(
        ledger, submission, lambda: {"7_0": JobState("OUT_OF_MEMORY"), "7_1": JobState("FAILED")}
    )
    settle(ledger, lost(submission, view))
    found = [ledger.get(ledger.folder_of(record)) for record in records]
    assert all(record is not None and record.status == "failed" for record in found)
    reasons = [record.reason for record in found if record is not None]
    assert "job 7_0 left the queue without an outcome: it ran out of memory" in reasons[0]
    assert "must be on a file system that the compute nodes see" in reasons[3]


def test_a_job_cancelled_before_it_began_is_not_blamed_on_the_disk(
    ledger: Ledger, submission: Submission, filed: Callable[..., Record]
) -> None:
    filed(2, "queued")
    view = look(ledger, submission, lambda: {"7_0": RUNNING, "7_1": GONE})
    assert all("it was cancelled" in why for why in lost(submission, view).values())


def test_nobody_waits_for_ever_for_a_job_that_slurm_holds(
    ledger: Ledger, submission: Submission, filed: Callable[..., Record]
) -> None:
    filed(2, "queued")
    held = JobState("PENDING", "launch failed requeued held")
    view = look(ledger, submission, lambda: {"7_0": RUNNING, "7_1": held})
    (why,) = {why for run, why in lost(submission, view).items() if run.endswith("seed_2")}
    assert why.startswith("job 7_1 will not start: Slurm holds it (launch failed requeued held)")


@pytest.mark.parametrize("word", ["RUNNING", "COMPLETING"])
def test_nobody_waits_for_ever_for_a_job_that_only_the_queue_believes_in(
    ledger: Ledger,
    submission: Submission,
    filed: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
    word: str,
) -> None:
    """What a controller says that was killed before it had saved the job's end."""
    began = time.time()
    clock = [began]
    monkeypatch.setattr(room.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(room.time, "time", lambda: clock[0])
    monkeypatch.setattr(room.time, "sleep", lambda s: clock.__setitem__(0, clock[0] + 10.0))
    for seed, status in enumerate(("finished", "interrupted", "finished", "finished")):
        filed(seed, status)
    states = {"7_0": JobState(word, began=began), "7_1": JobState("COMPLETED")}
    follow(ledger, submission, ask=lambda: states)
    assert NO_SIGN_S < clock[0] - began < NO_SIGN_S + 3 * room.GRACE_S
    record = ledger.get(ledger.root / "runs" / submission.jobs[0].runs[1])
    assert record is not None
    assert record.status == "failed"
    assert record.reason.startswith(f"job 7_0 is lost: Slurm calls it {word}, and nothing of it")
    assert "`scancel 7_0` removes it" in record.reason


def test_a_job_gives_a_sign_of_life_by_its_log_its_runs_and_their_claims(
    ledger: Ledger, submission: Submission, filed: Callable[..., Record]
) -> None:
    filed(0, "finished")
    filed(1, "queued")
    folders = [ledger.root / "runs" / run for run in submission.jobs[0].runs]
    claim = folders[1] / "claim.1"
    claim.write_text("of another machine")
    old, log = time.time() - 2 * NO_SIGN_S, Path(submission.jobs[0].log)
    state = JobState("RUNNING", began=old)

    def is_silent(state: JobState) -> bool:
        return "7_0" in look(ledger, submission, lambda: {"7_0": state, "7_1": GONE}).silent

    signs = [log, *folders, claim]
    for path in signs:
        os.utime(path, (old, old))
    assert is_silent(state)
    for young in signs:
        os.utime(young)
        assert not is_silent(state), young
        os.utime(young, (old, old))
    assert is_silent(state)
    # One that began just now has had no time for a sign, one that waits gives none, and nothing is
    # known of one whose begin the queue does not tell.
    assert not is_silent(JobState("RUNNING", began=time.time() - 10.0))
    assert not is_silent(JobState("PENDING", "Resources"))
    assert not is_silent(JobState("RUNNING"))
    claim.unlink()
    with ledger.claim(folders[1]):
        os.utime(folders[1] / "claim.1", (old, old))
        os.utime(folders[1], (old, old))
        assert not is_silent(state)  # whoever runs on this machine is seen, whatever clocks say


def test_nobody_waits_for_ever_for_a_record_that_was_removed(
    ledger: Ledger,
    submission: Submission,
    filed: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(room.time, "sleep", lambda s: clock.__setitem__(0, clock[0] + 10.0))
    for seed in range(3):
        filed(seed, "finished")
    states = {"7_0": JobState("COMPLETED"), "7_1": JobState("COMPLETED")}
    follow(ledger, submission, ask=lambda: states)
    assert room.GRACE_S < clock[0] < 3 * room.GRACE_S


def test_a_run_that_somebody_holds_is_left_to_them(
    ledger: Ledger, submission: Submission, filed: Callable[..., Record]
) -> None:
    folder = ledger.folder_of(filed(0, "running"))
    with ledger.claim(folder):
        settle(ledger, {f"baseline/{'c' * 16}/seed_0": "lost"})
    record = ledger.get(folder)
    assert record is not None
    assert record.status == "running"


def test_a_queue_that_does_not_answer_loses_nothing(
    ledger: Ledger, submission: Submission, filed: Callable[..., Record]
) -> None:
    filed(0, "running")
    assert lost(submission, look(ledger, submission, lambda: None)) == {}


def test_waiting_ends_with_the_last_run(
    ledger: Ledger,
    submission: Submission,
    filed: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, asked = [0.0], []
    monkeypatch.setattr(room.time, "monotonic", lambda: clock[0])
    for seed in range(4):
        filed(seed, "running")

    def sleep(seconds: float) -> None:
        clock[0] += 10.0
        if clock[0] == 20.0:
            filed(2, "finished")
            filed(3, "diverged")

    monkeypatch.setattr(room.time, "sleep", sleep)

    def ask() -> Mapping[str, JobState]:
        asked.append(clock[0])
        return {"7_0": GONE if clock[0] >= 30.0 else RUNNING, "7_1": RUNNING}

    follow(ledger, submission, ask=ask)
    first, last = (ledger.get(ledger.root / "runs" / run) for run in submission.jobs[0].runs)
    assert first is not None
    assert last is not None
    assert first.status == last.status == "failed"
    # The job was seen to be over at 30 s; its runs were given up only after the grace.
    assert asked[-1] - 30.0 > room.GRACE_S


def test_a_silent_queue_ends_the_waiting(
    ledger: Ledger,
    submission: Submission,
    filed: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(room.time, "sleep", lambda s: clock.__setitem__(0, clock[0] + 100.0))
    filed(0, "running")
    with pytest.raises(TimeoutError, match="has not answered for 15 minutes"):
        follow(ledger, submission, ask=lambda: None)


def test_a_submission_is_found_again(ledger: Ledger, submission: Submission) -> None:
    keep(ledger.root, submission)
    (ledger.root / "submissions" / "torn.json").write_text('{"plan":')
    assert submissions(ledger.root) == (submission,)
    assert submission.arrays() == ("7",)

"""A run that is killed, cut off or crowded out: what is on the disk is whole, and leads to one end."""

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audition.config.identity import identify
from audition.errors import AuditionError
from audition.observers.checkpoint import NAME
from audition.records.claim import Busy
from audition.records.record import Record
from audition.records.store import Ledger
from audition.training.run import perform
from audition.training.run_spec import RunSpec

EVERYTHING = (
    "+idea=spectral_gate",
    "ideas.spectral_gate.every=2",
    "preset=saturation_limiter",
    "apoptosis=functional_preservation",
    "apoptosis/timetable=periodic",
    "apoptosis.timetable.interval=2",
    "apoptosis.timetable.warmup=1",
    "optimizer=muon",
    "model.dropout=0.1",
    "checkpoint.minutes=1e-9",
    "checkpoint.share=1e9",
)
"""All that keeps a state of its own, with a checkpoint after every step."""


left_open = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Where a run raises, its process ends, and closes `metrics.jsonl`; the process of a test goes on."""


def silent(report):
    pass


@pytest.fixture
def assignment(settings_of, tmp_path):
    """Overrides, a folder for the ledger -> a run to be made there."""

    def of(*overrides, ledger="ledger"):
        settings = settings_of(*EVERYTHING, *overrides)
        paths = {**settings["paths"], "output_dir": str(tmp_path / ledger)}
        identity = identify(settings)
        record = Record(
            key=identity.key,
            config_hash=identity.config_hash,
            baseline_hash=identity.config_hash,
            arm="everything",
            ideas=(),
            seed=settings["seed"],
            status="running",
        )
        return RunSpec(record, {**settings, "paths": paths}, {"git": {}})

    return of


def place(work):
    """A run's ledger and its folder there."""
    ledger = Ledger(Path(work.settings["paths"]["output_dir"]))
    return ledger, ledger.folder_of(work.record)


def evaluations(folder):
    """The evaluations in `metrics.jsonl`, and how many steps there are."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "val/loss" in line], len(lines)


def numbers(record):
    """A record without what is of the hour and the process."""
    kept = record.to_dict()
    for name in ("seconds", "train_seconds", "started", "host", "pid", "peak_mb"):
        kept.pop(name, None)
    return kept


WORKER = """
import json, os, signal, sys
from audition.training.run import work

payload = json.load(sys.stdin)

def tell(report):
    if report.get("phase") == "evaluated" and report["step"] == 4:
        os.kill(os.getpid(), signal.SIGKILL)

work(payload, tell)
"""


def test_a_worker_killed_in_the_middle_goes_on_to_the_same_bits(assignment):
    whole = perform(assignment(ledger="whole"), silent)
    assert (whole.status, whole.notes) == ("finished", ())
    assert whole.arithmetic == {
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }
    work = assignment()
    payload = json.dumps(work.to_dict())
    died = subprocess.run([sys.executable, "-c", WORKER], input=payload, text=True)
    assert died.returncode == -signal.SIGKILL
    ledger, folder = place(work)
    assert ledger.get(folder).status == "running"
    assert not ledger.claimed(folder)
    begun = []
    resumed = perform(work, begun.append)
    assert begun[0]["step"] == 4
    assert numbers(resumed) == numbers(whole)
    assert evaluations(folder) == evaluations(place(assignment(ledger="whole"))[1])
    assert not list(folder.glob("c[hl]*"))  # neither checkpoint nor claim is left


def test_what_was_refused_is_kept_in_the_record(assignment, capsys):
    work = assignment()
    assert perform(work, silent, lambda step: step == 3).status == "interrupted"
    _, folder = place(work)
    (folder / NAME).write_bytes(b"PK")
    assert perform(work, silent, lambda step: step == 5).status == "interrupted"
    record = perform(work, silent)
    said = f"{NAME} is not whole: going on from checkpoint.previous.pt, step 3"
    assert (record.status, record.notes) == ("finished", (said,))
    assert said in capsys.readouterr().err
    assert record.weights == perform(assignment(ledger="whole"), silent).weights


def test_a_run_killed_before_it_has_begun_says_later_what_was_refused(assignment, monkeypatch):
    work = assignment()
    assert perform(work, silent, lambda step: step == 3).status == "interrupted"
    _, folder = place(work)
    (folder / NAME).write_bytes(b"PK")

    def killed(*words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("audition.training.loop.begin", killed)
        with pytest.raises(KeyboardInterrupt):
            perform(work, silent)
    said = f"{NAME} is not whole: going on from checkpoint.previous.pt, step 3"
    assert perform(work, silent).notes == (said,)


def test_on_a_full_disk_nothing_is_lost_that_was_on_it(assignment, monkeypatch):
    work = assignment()
    ledger, folder = place(work)
    fsync, full = os.fsync, []

    def filling(descriptor):
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    def fills(step):
        full.extend([True] * (step == 4))
        return False

    monkeypatch.setattr(os, "fsync", filling)
    with pytest.raises(
        AuditionError, match=r"^cannot write .*record.json: No space left on device"
    ):
        perform(work, silent, fills)
    assert ledger.get(folder).status == "running"
    assert ledger.read().unreadable == ()
    full.clear()
    begun = []
    assert perform(work, begun.append).status == "finished"
    assert begun[0]["step"] == 4
    assert "arithmetic" in json.loads((folder / "repro.json").read_text())
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.yaml",
        "lineage.jsonl",
        "metrics.jsonl",
        "record.json",
        "repro.json",
    ]


@left_open
def test_a_full_disk_is_a_reason_in_words(assignment, monkeypatch):
    def full(*words):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "metrics.jsonl")

    monkeypatch.setattr("audition.observers.metrics.Metrics.on_evaluation", full)
    work = assignment()
    with pytest.raises(OSError, match="No space"):
        perform(work, silent)
    ledger, folder = place(work)
    assert ledger.get(folder).reason == "metrics.jsonl: No space left on device"


@left_open
def test_who_lost_its_claim_stops_and_writes_no_more(assignment, monkeypatch):
    monkeypatch.setattr("audition.records.claim.CHECK_S", 0.0)
    work = assignment()
    _, folder = place(work)
    successor, asked = "of another process", []

    def taken_over(step):
        asked.append(step)
        if step == 3:
            (folder / "claim.1").unlink()
            (folder / "record.json").write_text(successor)
        return False

    with pytest.raises(Busy, match="taken over"):
        perform(work, silent, taken_over)
    assert asked == [0, 1, 2, 3]
    assert (folder / "record.json").read_text() == successor


@left_open
def test_a_run_whose_data_were_changed_since_it_was_planned_is_not_made(assignment):
    planned = assignment()
    elsewhere = replace(planned, record=replace(planned.record, evaluation="another text"))
    with pytest.raises(AuditionError, match="its data were changed after it was planned"):
        perform(elsewhere, silent)
    record = Ledger(Path(planned.settings["paths"]["output_dir"])).read().records[0]
    assert (record.status, record.steps) == ("failed", 0)

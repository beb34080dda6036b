"""A ledger that was tampered with is never taken for the undisturbed one."""

import json
import shutil
from dataclasses import replace

import pytest
from scripts.soak.checks import alike, left_over, same_answer, whole

from audition.records.record import Record
from audition.records.store import Ledger

STEPS = 20
RUN = Record(
    key="",
    config_hash="c0",
    baseline_hash="c0",
    arm="baseline",
    ideas=(),
    seed=0,
    status="finished",
    metrics={"val_loss": 1.5},
    steps=STEPS,
    weights="f00d",
    overrides=("model=tiny",),
)


def curve(loss=2.0):
    logged = [{"step": step, "train/loss": loss} for step in (10, 20)]
    evaluated = [{"step": step, "val/loss": 1.5} for step in (10, 20)]
    return "".join(json.dumps(line) + "\n" for line in logged + evaluated)


@pytest.fixture
def ledgers(tmp_path):
    """One that was disturbed, and one that was not; both hold the same three runs."""
    for name, pid in (("disturbed", 1), ("undisturbed", 2)):
        ledger = Ledger(tmp_path / name)
        for seed in range(3):
            paths = (f"paths.output_dir={tmp_path / name}",)
            own = replace(RUN, seed=seed, key=f"k{seed}", pid=pid, seconds=pid)
            folder = ledger.write(replace(own, overrides=RUN.overrides + paths))
            (folder / "metrics.jsonl").write_text(curve())
    return Ledger(tmp_path / "disturbed"), Ledger(tmp_path / "undisturbed")


def everything(disturbed, undisturbed):
    return [*whole(disturbed), *alike(disturbed, undisturbed)]


def folder(ledger, seed=1):
    return ledger.folder("baseline", "c0", seed)


def change(ledger, **facts):
    ledger.write(replace(ledger.get(folder(ledger)), **facts))


def test_times_processes_and_folders_are_no_difference(ledgers):
    assert everything(*ledgers) == []


def copied(ledger):
    shutil.copytree(folder(ledger), ledger.folder("baseline", "c1", 1))


def twice(ledger):
    ledger.write(replace(ledger.get(folder(ledger)), arm="twin"))


def tear(ledger):
    path = folder(ledger) / "record.json"
    path.write_text(path.read_text()[:100])


def claim(ledger):
    from audition.records.owner import Owner

    (folder(ledger) / "claim.1").write_text(Owner.here().text())


def metrics(text):
    return lambda ledger: (folder(ledger) / "metrics.jsonl").write_text(text)


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (lambda ledger: shutil.rmtree(folder(ledger)), "baseline seed 1 is missing"),
        (lambda ledger: ledger.write(replace(RUN, seed=7)), "seed 7 was never asked for"),
        (copied, "is the record of another run, baseline/c0/seed_1"),
        (twice, "the run k1 exists 2 times"),
        (tear, "a record is torn"),
        (lambda ledger: (folder(ledger) / "record.json.unreadable").touch(), "moved aside"),
        (claim, "baseline seed 1 is still claimed"),
        (lambda ledger: change(ledger, status="failed", reason="lost"), "it is failed lost"),
        (lambda ledger: change(ledger, metrics={"val_loss": 1.4}), "metrics {'val_loss': 1.4}"),
        (lambda ledger: change(ledger, weights="beef"), "has weights 'beef'"),
        (lambda ledger: change(ledger, baseline_hash="c9"), "has baseline_hash 'c9'"),
        (metrics(curve()[:-9]), "cannot be read"),
        (metrics(""), "gaps or doubles"),
        (metrics(curve().replace('"step": 10, "train', '"step": 20, "train')), "gaps or doubles"),
        (metrics("".join(curve().splitlines(keepends=True)[:-1])), "has evaluations at [10]"),
        (metrics(curve(2.5)), "is not that of the undisturbed run"),
    ],
)
def test_what_was_tampered_with_is_named(ledgers, tamper, sentence):
    disturbed, undisturbed = ledgers
    tamper(disturbed)
    found = everything(disturbed, undisturbed)
    assert [each for each in found if sentence in each], found


def test_a_verdict_may_differ_in_times_alone():
    verdict = {"idea": "placebo", "verdict": "inconclusive", "cost": {"seconds": 3.0, "tokens": 5}}
    later = {**verdict, "cost": {"seconds": 4.0, "tokens": 5}, "equal_time": {"ratio": 2.0}}
    assert not list(same_answer([verdict], [later]))
    assert list(same_answer([verdict], [{**later, "verdict": "supported"}]))
    assert list(same_answer([verdict], [{**later, "cost": {"tokens": 6}}]))
    assert list(same_answer([], [verdict]))
    assert list(same_answer([], []))


def test_what_the_dead_leave_is_counted(ledgers):
    disturbed, _ = ledgers
    assert not left_over(disturbed)
    (folder(disturbed) / "claim.3").touch()
    (folder(disturbed) / ".record.json.77").touch()
    assert left_over(disturbed) == {"claims of the dead": 1, "parts of files": 1}

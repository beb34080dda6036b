"""A run is found by its key, its folder, or its arm and seed; else one sentence says what there is."""

from dataclasses import replace
from pathlib import Path

import pytest

from audition.errors import AuditionError
from audition.records.find import find_run
from audition.records.record import Record
from audition.records.store import Ledger

BASE = Record(
    key="aa11",
    config_hash="c0",
    baseline_hash="c0",
    arm="baseline",
    ideas=(),
    seed=1,
    status="finished",
)
RUNS = (
    BASE,
    replace(BASE, key="aa22", seed=2),
    replace(BASE, key="bb33", arm="optimizer=muon", config_hash="c1"),
    replace(BASE, key="cc44", config_hash="c2"),
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path)
    for run in RUNS:
        ledger.write(run)
    return ledger


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("aa2", "aa22"),
        ("bb33", "bb33"),
        ("baseline/2", "aa22"),
        ("optimizer=muon/1", "bb33"),
        ("{root}/runs/baseline/c2/seed_1", "cc44"),
        ("{root}/runs/baseline/c2/seed_1/", "cc44"),
    ],
)
def test_found(ledger: Ledger, word: str, key: str) -> None:
    assert find_run(ledger, ledger.read(), word.format(root=ledger.root)).key == key


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("baselin/2", "no run 'baselin/2' in .*; did you mean 'baseline/2'"),
        ("dd", "no run 'dd' in .*choose from: baseline/1, baseline/2, optimizer=muon/1"),
        ("", "no run ''"),
        ("aa", r"'aa' names 2 runs: choose one by its key: aa11 \(baseline seed 1\), aa22"),
        ("baseline/1", r"names 2 runs.*aa11.*cc44"),
    ],
)
def test_not_found(ledger: Ledger, word: str, said: str) -> None:
    with pytest.raises(AuditionError, match=said):
        find_run(ledger, ledger.read(), word)

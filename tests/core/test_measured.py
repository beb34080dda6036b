"""What was measured on this machine is found again, and nothing else is taken for it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audition import measured
from audition.measured import Pool, fingerprint, gpu_names, place, recall, remember, workload

POOL = Pool(
    device="cpu",
    threads=1,
    precision="fp32",
    workers=3,
    runs_per_gpu=1,
    units_per_s=99.0,
    workloads=("aaaa", "bbbb"),
    date="2026-01-02T03:04:05+00:00",
)
ON_CARD = replace(POOL, device="cuda", workers=4, runs_per_gpu=4)


def test_what_is_filed_is_found_again_and_stands_in_plain_text(tmp_path: Path) -> None:
    assert recall(tmp_path, device="cpu", threads=1, workloads=()) is None
    path = remember(tmp_path, POOL, {"cells": [1]})
    assert path == tmp_path / "machine" / f"{fingerprint()}.json"
    assert recall(tmp_path, device="cpu", threads=1, workloads=()) == POOL
    kept = json.loads(path.read_text())
    assert kept["measured"]["cpu, 1 thread, fp32, aaaa"]["found"] == {"cells": [1]}
    assert kept["machine"]["cores"] >= 1


def test_a_measurement_replaces_the_same_one_and_leaves_the_others(tmp_path: Path) -> None:
    two = replace(POOL, threads=2, workers=1)
    for pool in (POOL, two, replace(POOL, workers=2)):
        remember(tmp_path, pool, {})
    found = [recall(tmp_path, device="cpu", threads=n, workloads=()) for n in (1, 2, 3)]
    assert [pool and pool.workers for pool in found] == [2, 1, None]


def test_of_several_the_same_work_counts_first_and_then_the_newest(tmp_path: Path) -> None:
    later = replace(POOL, workloads=("cccc",), workers=1, date="2026-05-05T00:00:00+00:00")
    for pool in (POOL, later):
        remember(tmp_path, pool, {})
    for wanted, workers in (("aaaa", 3), ("cccc", 1), ("zzzz", 1)):
        found = recall(tmp_path, device="cpu", threads=1, workloads=[wanted])
        assert found is not None
        assert found.workers == workers


@pytest.mark.parametrize(
    ("workloads", "found"),
    [(("aaaa",), True), (("bbbb", "aaaa"), True), (("aaaa", "cccc"), False), ((), False)],
)
def test_a_card_is_shared_only_by_work_that_was_measured(
    tmp_path: Path, workloads: tuple[str, ...], found: bool
) -> None:
    remember(tmp_path, ON_CARD, {})
    assert (recall(tmp_path, device="cuda", threads=1, workloads=workloads) is not None) == found
    assert recall(tmp_path, device="cpu", threads=1, workloads=workloads) is None


def test_another_machine_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(tmp_path, POOL, {})
    monkeypatch.setattr(measured, "cores", lambda: 1000)
    assert recall(tmp_path, device="cpu", threads=1, workloads=()) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"measured": 3}',
        '{"measured": {"x": 3}}',
        '{"measured": {"x": {"pool": {"device": "cpu"}}}}',
    ],
)
def test_a_file_that_is_not_ours_is_no_measurement(tmp_path: Path, text: str) -> None:
    place(tmp_path).parent.mkdir()
    place(tmp_path).write_text(text)
    assert recall(tmp_path, device="cpu", threads=1, workloads=()) is None
    remember(tmp_path, POOL, {})
    assert recall(tmp_path, device="cpu", threads=1, workloads=()) == POOL


def test_cards_are_known_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0000:01:00.0").mkdir()
    text = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\n"
    (tmp_path / "0000:01:00.0" / "information").write_text(text)
    for cards, names in (
        ((), ()),
        ((0,), ("NVIDIA H100 80GB HBM3",)),
        ((0, 1), ("NVIDIA H100 80GB HBM3", "GPU")),
    ):
        monkeypatch.setattr(measured, "gpus", lambda cards=cards: cards)
        assert gpu_names(tmp_path) == names


@pytest.mark.parametrize(
    ("override", "same"),
    [
        ("seed=7", True),
        ("optimizer.lr=1e-5", True),
        ("budget.steps=9", True),
        ("execution.threads=2", True),
        ("execution.accumulate=2", False),
        ("model.layers=3", False),
        ("data.batch_size=8", False),
        ("precision=bf16", False),
        ("optimizer=muon", False),
        ("+idea=spectral_gate", False),
    ],
)
def test_a_workload_is_what_a_step_costs(settings_of: Any, override: str, same: bool) -> None:
    assert (workload(settings_of(override)) == workload(settings_of())) == same


def test_reading_needs_no_torch() -> None:
    code = "import sys, audition.measured as m; m.fingerprint(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_0_2_measured_counts_still(tmp_path: Path) -> None:
    path = remember(tmp_path, POOL, {})
    path.write_text(path.read_text().replace("units_per_s", "tokens_per_s"))
    assert recall(tmp_path, device="cpu", threads=1, workloads=()) == POOL

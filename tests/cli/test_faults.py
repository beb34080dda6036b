"""What happens to a sweep: kills, Ctrl-C, a second one beside it, losses that are no numbers.

However it went, finished runs survive, none is trained twice, and the same command completes it.
"""

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

import pytest
from tests.cli.conftest import SWEEP
from warm import PATIENCE_S

Records = Mapping[str, Mapping[str, Any]]

RUNS = ("baseline 1", "baseline 2", "placebo 1", "placebo 2")


def running(records: Records) -> Mapping[str, Any] | None:
    """A run under way."""
    return next((r for r in records.values() if r["status"] == "running"), None)


def one_done_and_one_running(records: Records) -> bool:
    """Whether there is something to keep and something to lose."""
    return any(r["status"] == "finished" for r in records.values()) and bool(running(records))


def assert_complete(place: Any, before: Records) -> None:
    """All four runs finished, and those of `before` that were settled stand as they were."""
    after = place.records()
    assert place.statuses() == dict.fromkeys(RUNS, "finished")
    settled = {name: r for name, r in before.items() if r["status"] == "finished"}
    assert {name: after[name] for name in settled} == settled
    assert all(len(place.trainings()[name]) == 1 for name in settled)


def test_a_killed_worker_costs_its_own_run_and_the_same_command_makes_it(place: Any) -> None:
    place.steps = 150
    with place.begin("hydra.launcher.workers=1", *SWEEP) as sweep:
        victim = place.until(sweep, running)
        os.kill(victim["pid"], signal.SIGKILL)
        shown, said = sweep.communicate(timeout=PATIENCE_S)
    name = f"{victim['arm']} {victim['seed']}"
    assert sweep.returncode == 1, said
    assert place.statuses() == {**dict.fromkeys(RUNS, "finished"), name: "failed"}
    before = place.records()
    assert before[name]["reason"] == "killed by signal 9 (out of memory?)"
    assert f"{name.replace(' ', ' seed ')} failed: killed by signal 9" in said
    assert "placebo" in shown  # the verdict on what there is
    assert "Traceback" not in said

    again = place.train(*SWEEP)
    assert again.returncode == 0
    assert "3 in the ledger, 1 to train" in again.stderr
    assert_complete(place, before)

    third = place.train(*SWEEP)
    assert "4 in the ledger, 0 to train" in third.stderr
    assert third.stdout == again.stdout
    assert_complete(place, place.records())


def test_after_ctrl_c_the_same_command_goes_on(place: Any) -> None:
    place.steps = 150
    with place.begin("hydra.launcher.workers=1", *SWEEP) as sweep:
        place.until(sweep, one_done_and_one_running)
        os.killpg(sweep.pid, signal.SIGINT)  # as a terminal does
        said = sweep.communicate(timeout=PATIENCE_S)[1]
    assert sweep.returncode == 130, said
    assert "Traceback" not in said
    assert "the same command goes on from there" in said.splitlines()[-1]
    before = place.records()
    statuses = sorted(r["status"] for r in before.values())
    assert statuses.count("finished") >= 1
    assert set(statuses) <= {"finished", "interrupted"}

    assert place.train(*SWEEP).returncode == 0
    assert_complete(place, before)
    for name, record in before.items():
        if record["status"] == "interrupted" and len(place.trainings()[name]) == 2:
            # It went on from its checkpoint, and trained no step twice.
            assert place.trainings()[name][1] == f"from step {record['steps']}"


def test_two_sweeps_at_once_share_the_work(place: Any) -> None:
    place.steps = 100
    with place.begin(*SWEEP) as one, place.begin(*SWEEP) as two:
        ends = [sweep.communicate(timeout=PATIENCE_S) for sweep in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), ends
    assert place.trainings() == {name: ["from step 0"] for name in RUNS}
    assert ends[0][0] == ends[1][0]
    assert "placebo" in ends[0][0]


def test_a_loss_that_is_no_number_is_an_outcome(place: Any) -> None:
    sweep = ("optimizer.lr=4e-3,1e30", "training.check_every=1", "seed=1,2", "-m")
    ended = place.train(*sweep)
    assert ended.returncode == 0, ended.stderr
    assert "refuted (unstable)" in ended.stdout
    arm = "optimizer.lr=1e+30"
    ends = {"baseline": "finished", arm: "diverged"}
    assert place.statuses() == {f"{a} {s}": end for a, end in ends.items() for s in (1, 2)}
    assert "the loss was nan at step" in place.records()[f"{arm} 1"]["reason"]
    (verdict,) = json.loads(place.read("verdict", "--json").stdout, parse_constant=pytest.fail)
    assert (verdict["idea"], verdict["verdict"], verdict["kind"]) == (arm, "refuted", "unstable")
    json.loads(place.read("runs", "--json").stdout, parse_constant=pytest.fail)

    # The same runs the other way round: where the baseline diverged there is nothing to compare.
    turned = place.train("baseline=optimizer.lr=1e30", *sweep)
    assert turned.returncode == 1, turned.stderr
    assert "the baseline diverged, so there is nothing to compare" in turned.stderr
    assert "4 in the ledger, 0 to train" in turned.stderr
    assert "optimizer.lr=0.004: invalid" in turned.stdout
    assert "The baseline diverged on 2 of 2 seeds" in turned.stdout


SPOILT = [
    ("corrupt", '{"schema": 1, "key": "', "is not complete JSON"),
    ("foreign", '{"loss": 1.5}', "was not written by Audition"),
    ("older", '{"schema": 0, "key": "x"}', "has schema 0, and this version reads 1"),
]


def test_records_that_cannot_be_used_are_named_kept_and_made_again(place: Any) -> None:
    assert place.train("seed=1,2,3,4", "-m").returncode == 0
    paths = sorted(place.output.glob("runs/*/*/seed_*/record.json"))
    for path, (_, text, _) in zip(paths, SPOILT, strict=False):
        path.write_text(text)
    ended = place.train("seed=1,2,3,4", "-m")
    assert ended.returncode == 0
    assert "1 in the ledger, 3 to train" in ended.stderr
    for path, (kind, text, why) in zip(paths, SPOILT, strict=False):
        assert f"audition: {path} {why}" in ended.stderr, kind
        assert path.with_name("record.json.unreadable").read_text() == text
    assert set(place.statuses().values()) == {"finished"}
    # The second training of each begins anew.
    begun = [len(lines) for lines in place.trainings().values()]
    assert begun == [2, 2, 2, 1]

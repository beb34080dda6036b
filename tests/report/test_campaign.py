"""Where the runs of a plan stand: a word for each, and an estimate that adds up."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audition.answers.campaign import (
    RunState,
    campaign,
    fraction,
    is_over,
    seconds_left,
    tally,
)
from audition.cli.ledger import main
from audition.records.metrics import last_line
from audition.records.races import RACES, Race, Turn
from audition.records.record import Record, Status
from audition.records.registration import PlannedArm, Registration, register
from audition.records.store import Ledger

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
PLAN = Registration(
    metric="val_loss",
    baseline_hash="b" * 16,
    baseline_seeds=(1, 2, 3),
    arms=(PlannedArm(name="idea", config_hash="i" * 16, seeds=(1, 2, 3), cards={}),),
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "outputs")


def file(ledger: Ledger, arm: str, seed: int, status: Status, **facts: Any) -> Record:
    config = {"baseline": "b" * 16, "idea": "i" * 16}[arm]
    record = Record(
        key=f"{arm}{seed}",
        config_hash=config,
        baseline_hash="b" * 16,
        arm=arm,
        ideas=(),
        seed=seed,
        status=status,
        budget={"tokens": 1000},
        started="2026-01-01T00:00:00+00:00",
        **facts,
    )
    folder = ledger.write(record)
    (folder / "metrics.jsonl").write_text('{"step": 9, "units": 250}\n{"step": 10, "tok')
    return record


def states(ledger: Ledger, queued: Mapping[str, str] | None = None) -> list[RunState]:
    return campaign(PLAN, ledger, ledger.read().records, queued or {}, now=NOW)


def test_every_run_of_the_plan_has_a_word(ledger: Ledger) -> None:
    file(ledger, "baseline", 1, "finished", metrics={"val_loss": 1.5}, seconds=100.0)
    file(ledger, "baseline", 2, "running", host="node7")
    file(ledger, "baseline", 3, "queued")
    file(ledger, "idea", 1, "failed", reason="job 7 ran out of memory")
    file(ledger, "idea", 2, "interrupted", reason="stopped at step 9")
    found = states(ledger, {f"baseline/{'b' * 16}/seed_3": "job 7_3 waits (Priority)"})
    assert [(s.arm, s.seed, s.word, s.detail) for s in found] == [
        ("baseline", 1, "finished", "val_loss 1.5000"),
        # A quarter is done, and a finished run of the arm took 100 s.
        ("baseline", 2, "running", "step 9, 25%, about 75 s left on node7"),
        ("baseline", 3, "queued", "job 7_3 waits (Priority), goes on from about step 9"),
        ("idea", 1, "failed", "job 7 ran out of memory"),
        ("idea", 2, "interrupted", "stopped at step 9"),
        ("idea", 3, "not started", ""),
    ]
    assert tally(found)["idea"] == {"failed": 1, "interrupted": 1, "not started": 1}
    assert not is_over(found)


def test_without_a_finished_run_its_own_pace_tells(ledger: Ledger) -> None:
    file(ledger, "idea", 1, "running")
    (running,) = (s for s in states(ledger) if s.word == "running")
    assert running.seconds_left == pytest.approx(180.0)  # 60 s for a quarter


def test_what_waits_is_dealt_to_as_many_as_run_now() -> None:
    record = Record(
        key="", config_hash="", baseline_hash="", arm="", ideas=(), seed=0, status="finished",
        seconds=60.0,
    )  # fmt: skip
    done = RunState("a", 1, "finished", record=record)
    running = [RunState("a", s, "running", seconds_left=30.0, record=record) for s in (2, 3)]
    waiting = [RunState("a", s, "queued") for s in (4, 5, 6)]
    assert seconds_left([done, *running, *waiting]) == pytest.approx((60.0 + 180.0) / 2)
    assert seconds_left([done, *running]) == pytest.approx(30.0)
    assert seconds_left([*running, *waiting]) is None
    assert seconds_left([done, replace(running[0], seconds_left=None)]) is None


@pytest.mark.parametrize(
    ("budget", "line", "share"),
    [
        ({"steps": 40}, {"step": 10, "units": 5}, 0.25),
        ({"tokens": 500}, {"step": 10, "units": 50}, 0.1),
        ({"minutes": 4}, {}, 0.25),
        ({"tokens": 500}, {}, None),
        ({"steps": 4}, {"step": 10}, 1.0),
    ],
)
def test_the_share_of_each_kind_of_budget(
    ledger: Ledger, budget: dict[str, float], line: dict[str, int], share: float | None
) -> None:
    record = replace(file(ledger, "idea", 1, "running"), budget=budget)
    assert fraction(record, line, NOW) == (share if share is None else pytest.approx(share))


def test_the_last_whole_line_of_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f'{{"step": {n}}}\n' for n in range(5000)) + '{"step": 50')
    assert last_line(tmp_path) == {"step": 4999}
    assert last_line(tmp_path / "none") == {}


def test_status_and_collect_of_a_sweep_at_home(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            main([*words, "--output-dir", str(ledger.root)])
        except SystemExit as end:
            code = int(str(end.code))
        said = capsys.readouterr()
        return code, said.out, said.err

    register(ledger.root, PLAN)
    for seed in (1, 2, 3):
        file(ledger, "baseline", seed, "finished", metrics={"val_loss": 1.5 + seed / 100})
        status: Status = "running" if seed == 3 else "finished"
        file(ledger, "idea", seed, status, metrics={"val_loss": 1.0 + seed / 100})
    status_now = json.loads(ask("status", "--json")[1])
    assert status_now["plan"] == PLAN.digest()
    assert [run["status"] for run in status_now["runs"]].count("finished") == 5
    assert "arm       finished  running" in ask("status")[1]
    code, _, said = ask("collect")
    assert (code, "--wait waits for them" in said) == (1, True)
    file(ledger, "idea", 3, "finished", metrics={"val_loss": 1.03})
    code, verdict, _ = ask("collect")
    assert (code, "idea: supported" in verdict) == (0, True)
    assert ask("cancel") == (
        2,
        "",
        f"audition: plan {PLAN.digest()} was not submitted to a cluster: press Ctrl-C where it "
        "runs\n",
    )
    code, _, said = ask("status", "f00")
    assert (code, f"no plan begins with 'f00': choose from {PLAN.digest()}" in said) == (2, True)


def test_runs_that_a_race_left_out_are_dropped(ledger: Ledger) -> None:
    plan = replace(PLAN, judged_on=(3,))
    for seed in (1, 2, 3):
        file(ledger, "baseline", seed, "finished")
    file(ledger, "idea", 1, "finished")
    turn = Turn("idea", "i" * 16, 1, (1,), -0.1, 0.0, "drop", "under 0")
    RACES.write(ledger.root, "b" * 16, Race("b" * 16, (turn,), 1, 3))
    found = campaign(plan, ledger, ledger.read().records, {}, now=NOW)
    assert tally(found)["idea"] == {"finished": 1, "dropped": 2}
    assert is_over(found)
    assert tally(states(ledger))["idea"] == {"finished": 1, "not started": 2}  # of another plan

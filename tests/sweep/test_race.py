"""The race, with a fake trainer: who is dropped, who is judged on which seeds, what it costs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from audition.config.identity import Identity
from audition.errors import AuditionError
from audition.records.races import RACES
from audition.records.store import Ledger
from audition.stats import RaceRules
from audition.sweep.arms import Arm
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.race import race

SCREENING, FRESH = (42, 137, 256), (512, 1024, 2048, 4096, 8192)
SEED_EFFECT = {
    42: 0.004,
    137: -0.002,
    256: 0.001,
    512: -0.003,
    1024: 0.002,
    2048: 0.0,
    4096: 0.003,
    8192: -0.004,
}
JITTER = {"baseline": 0.0, "winner": 0.001, "loser": -0.001, "slow_loser": 0.0005, "broken": 0.0}


TASKS = {
    "audition.tasks.language.Language": ("val_loss", 1.0),
    "audition.tasks.classification.Classification": ("val_accuracy", -1.0),
}
"""Task -> its primary metric, and its sign against a loss."""


def planned(
    root: Path, name: str, config_hash: str, seed: int, baseline: str, task: str
) -> PlannedRun:
    settings = {
        "seed": seed,
        "task": {"_target_": task},
        "data": {"_target_": "audition.data.stdlib.StandardLibrary"},
        "paths": {"output_dir": str(root)},
        "budget": {"tokens": 10},
        "execution": {"device": "cpu", "threads": 1},
        "ideas": {} if name == "baseline" else {name: {}},
    }
    identity = Identity(config_hash, f"{config_hash}-{seed}", "held-out", "code")
    return PlannedRun(Arm(name, ()), seed, settings, identity, baseline)


@pytest.fixture(params=TASKS)
def plan(tmp_path: Path, request: pytest.FixtureRequest) -> Plan:
    names = ["baseline", "winner", "loser", "slow_loser", "broken"]
    hashes = {name: f"{i:016x}" for i, name in enumerate(names)}
    runs = [
        planned(tmp_path, name, hashes[name], seed, hashes["baseline"], request.param)
        for name in names
        for seed in (*SCREENING, *FRESH)
    ]
    return Plan(tuple(runs), hashes["baseline"])


GAIN = {"baseline": 0.0, "winner": 0.05, "loser": -0.05, "slow_loser": 0.0, "broken": 0.05}


def trainer(ledger: Ledger, trained: list[str]) -> Callable[[Sequence[PlannedRun]], None]:
    """Files a loss that depends on arm and seed alone; `broken` diverges on its second seed."""

    def train(runs: Sequence[PlannedRun]) -> None:
        for run in runs:
            name = run.arm.name
            trained.append(f"{name} {run.seed}")
            # A null idea that looks good on the first seed and bad on the others.
            luck = {42: 0.002, 137: -0.004, 256: -0.004}.get(run.seed, 0.0)
            loss = 1.8 + SEED_EFFECT[run.seed] - GAIN[name] + JITTER[name] * (run.seed % 3)
            if name == "slow_loser":
                loss -= luck
            record = run.record
            diverged = name == "broken" and run.seed == 137
            metric, sign = TASKS[run.settings["task"]["_target_"]]
            ledger.write(
                replace(
                    record,
                    status="diverged" if diverged else "finished",
                    metrics={} if diverged else {metric: sign * loss},
                    started="2026-01-01",
                )
            )

    return train


def test_drops_the_hopeless_and_judges_the_rest_on_fresh_seeds(plan: Plan, tmp_path: Path) -> None:
    ledger, trained = Ledger(tmp_path), []
    result = race(plan, RaceRules(), trainer(ledger, trained), ledger)
    seeds = {
        name: [int(t.split()[1]) for t in trained if t.startswith(f"{name} ")] for name in GAIN
    }
    assert sorted(seeds["baseline"]) == sorted((*SCREENING, *FRESH))
    assert seeds["loser"] == [42]
    assert seeds["slow_loser"] == [42, 137, 256]
    assert seeds["broken"] == [42, 137, 256]
    assert seeds["winner"] == [*SCREENING, *FRESH]
    winner = next(run for run in plan.runs if run.arm.name == "winner")
    assert result.finalists == (winner.identity.config_hash,)
    assert (result.runs, result.runs_at_fixed_seeds) == (1 + 3 + 3 + 8, 4 * 8)
    dropped = {turn.idea: turn for turn in result.turns if turn.action == "drop"}
    assert set(dropped) == {"loser", "slow_loser", "broken"}
    assert "unstable" in dropped["broken"].reason
    assert dropped["loser"].stage == 1
    assert dropped["loser"].mean_gain == pytest.approx(-0.05)


def test_a_race_run_again_trains_nothing(plan: Plan, tmp_path: Path) -> None:
    ledger, trained = Ledger(tmp_path), []
    first = race(plan, RaceRules(), trainer(ledger, trained), ledger)
    trained.clear()
    assert race(plan, RaceRules(), trainer(ledger, trained), ledger) == first
    assert trained == []


def test_a_race_needs_fresh_seeds(plan: Plan, tmp_path: Path) -> None:
    short = replace(plan, runs=tuple(run for run in plan.runs if run.seed in SCREENING))
    with pytest.raises(AuditionError, match="fresh seeds"):
        race(short, RaceRules(), lambda runs: None, Ledger(tmp_path))


def test_a_run_without_an_outcome_is_dropped_and_said(plan: Plan, tmp_path: Path) -> None:
    ledger, trained = Ledger(tmp_path), []
    whole = trainer(ledger, trained)

    def train(runs: Sequence[PlannedRun]) -> None:
        whole([run for run in runs if run.arm.name != "winner"])

    result = race(plan, RaceRules(), train, ledger)
    (turn,) = [t for t in result.turns if "no outcome" in t.reason]
    assert (turn.action, turn.stage, turn.seeds) == ("missing", 1, ())


def test_the_race_is_filed(plan: Plan, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    result = race(plan, RaceRules(), trainer(ledger, []), ledger)
    path = RACES.write(tmp_path, result.baseline_hash, result)
    assert path.parent.name == "races"
    assert '"promote"' in path.read_text()

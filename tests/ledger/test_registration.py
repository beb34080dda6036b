"""Plans: written once, read back, and held against what was run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.ledger.record import Record
from audition.ledger.registration import PlannedArm, Registration, register, registrations, standing

BASE, IDEA = "b" * 16, "1" * 16
ARM = PlannedArm(name="gate", config_hash=IDEA, seeds=(42, 137), cards={"gate": "card1"})
PLAN = Registration(baseline_hash=BASE, baseline_seeds=(42, 137), arms=(ARM,), command="+idea=gate")
BEFORE, WRITTEN, AFTER = "2026-01-01T00:00:00", "2026-01-02T00:00:00", "2026-01-03T00:00:00"


def run(
    seed: int, *, started: str = AFTER, card: str = "card1", status: str = "finished"
) -> Record:
    return Record(
        key=f"{seed}",
        config_hash=IDEA,
        baseline_hash=BASE,
        arm="gate",
        ideas=("gate",),
        seed=seed,
        status=status,  # type: ignore[arg-type]
        metrics={"val_loss": 1.8},
        started=started,
        cards={"gate": card},
    )


PLANNED = [run(42), run(137)]
WRITTEN_PLAN = replace(PLAN, written=WRITTEN)


def test_a_plan_keeps_its_first_date(tmp_path: Path) -> None:
    first = register(tmp_path, PLAN)
    text = first.read_text()
    assert register(tmp_path, replace(PLAN, command="typed in another order")) == first
    assert first.read_text() == text
    (read,) = registrations(tmp_path)
    assert replace(read, written="") == PLAN
    assert read.written


def test_plans_come_oldest_first_and_foreign_files_are_left_out(tmp_path: Path) -> None:
    register(tmp_path, PLAN)
    register(tmp_path, replace(PLAN, baseline_seeds=(1, 2, 3)))
    (tmp_path / "plans" / "foreign.json").write_text('{"hello": 1}')
    (tmp_path / "plans" / "half.json").write_text('{"arms": [')
    found = registrations(tmp_path)
    assert len(found) == 2
    assert [p.written for p in found] == sorted(p.written for p in found)


def test_a_plan_that_cannot_be_written_stops_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditionError, match="cannot write"):
        register(tmp_path / "file", PLAN)


def test_what_was_planned_and_run_is_as_planned() -> None:
    kept = standing(IDEA, BASE, PLANNED, [WRITTEN_PLAN])
    assert (kept.word, kept.departures, kept.added_seeds) == ("as planned", (), ())


@pytest.mark.parametrize(
    ("runs", "judged", "departure"),
    [
        ([*PLANNED, run(256)], {}, "seed 256 added to the plan"),
        ([*PLANNED, run(256), run(512)], {}, "seeds 256, 512 added to the plan"),
        ([run(42, started=BEFORE), run(137)], {}, "seed 42 run before the plan was written"),
        ([run(42)], {}, "seed 137 of the plan without an outcome"),
        ([run(42), run(137, status="failed")], {}, "seed 137 of the plan without an outcome"),
        ([run(42), run(137, card="card2")], {}, "the card of gate changed since the plan"),
        (PLANNED, {"metric": "val_bpb"}, "the metric is val_bpb, and the plan's val_loss"),
        (PLANNED, {"alpha": 0.1}, "α is 0.1, and the plan's 0.05"),
        (PLANNED, {"sesoi": 0.01}, "δ* is 0.01, and the plan's one pooled σ"),
    ],
)
def test_every_departure_is_named(
    runs: list[Record], judged: dict[str, Any], departure: str
) -> None:
    departed = standing(IDEA, BASE, runs, [WRITTEN_PLAN], **judged)
    assert departed.word == "exploratory"
    assert departed.departures == (departure,)


def test_a_diverged_run_is_an_outcome() -> None:
    runs = [run(42), run(137, status="diverged")]
    assert standing(IDEA, BASE, runs, [WRITTEN_PLAN]).word == "as planned"


def test_the_first_plan_counts_and_other_baselines_do_not() -> None:
    later = replace(PLAN, written=AFTER, arms=(replace(ARM, seeds=(42, 137, 256)),))
    runs = [*PLANNED, run(256)]
    assert standing(IDEA, BASE, runs, [WRITTEN_PLAN, later]).added_seeds == (256,)
    other = replace(later, arms=(replace(ARM, name="other", config_hash="2" * 16),))
    joined = standing(IDEA, BASE, PLANNED, [WRITTEN_PLAN, other])
    assert (joined.word, joined.joined) == ("as planned", 1)
    assert standing(IDEA, BASE, PLANNED, [WRITTEN_PLAN]).joined == 0
    foreign = replace(WRITTEN_PLAN, baseline_hash="c" * 16)
    assert standing(IDEA, BASE, PLANNED, [foreign]).departures == (
        "no plan named this arm before it was run",
    )

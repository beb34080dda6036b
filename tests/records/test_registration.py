"""Plans: written once, read back, and held against what was run."""

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from audition.answers import standing as standings
from audition.answers.standing import Counted, counted
from audition.errors import AuditionError
from audition.records.contents import contents_of
from audition.records.record import Record
from audition.records.registration import (
    PlannedArm,
    Registration,
    naming,
    register,
    registrations,
)
from audition.records.store import Ledger

standing = partial(standings.standing, metric="val_loss")
BASE, IDEA = "b" * 16, "1" * 16
ARM = PlannedArm(name="gate", config_hash=IDEA, seeds=(42, 137), cards={"gate": "card1"})
PLAN = Registration(
    baseline_hash=BASE,
    baseline_seeds=(42, 137),
    arms=(ARM,),
    metric="val_loss",
    command="+idea=gate",
)
BEFORE, WRITTEN, AFTER = "2026-01-01T00:00:00", "2026-01-02T00:00:00", "2026-01-03T00:00:00"


def run(
    seed: int,
    *,
    started: str = AFTER,
    card: str = "card1",
    status: str = "finished",
    plan: str | None = None,
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
        plan=plan,
    )


PLANNED = [run(42), run(137)]
WRITTEN_PLAN = replace(PLAN, written=WRITTEN)


def test_a_plan_keeps_its_first_date(tmp_path: Path) -> None:
    first = register(tmp_path, PLAN)
    text = first.read_text()
    assert register(tmp_path, replace(PLAN, command="typed in another order")) == first
    assert first.read_text() == text
    (read,) = registrations(tmp_path)
    assert replace(read, written="", number=0, seal="") == PLAN
    assert read.written
    assert read.digest() == PLAN.digest() == first.stem


def test_plans_come_oldest_first_and_foreign_files_are_left_out(tmp_path: Path) -> None:
    register(tmp_path, PLAN)
    register(tmp_path, replace(PLAN, baseline_seeds=(1, 2, 3)))
    (tmp_path / "plans" / "foreign.json").write_text('{"hello": 1}')
    (tmp_path / "plans" / "half.json").write_text('{"arms": [')
    found = registrations(tmp_path)
    assert len(found) == 2
    assert [p.written for p in found] == sorted(p.written for p in found)


EDITS: list[tuple[dict[str, Any], str]] = [
    ({"sesoi": 0.5}, "its content is the plan"),
    ({"baseline_seeds": [42, 137, 256]}, "its content is the plan"),
    ({"written": "2020-01-01T00:00:00+00:00"}, "its date, its number or its command"),
    ({"number": 0}, "its date, its number or its command"),
]


@pytest.mark.parametrize(("edit", "said"), EDITS)
def test_an_edited_plan_is_listed_and_counts_for_nothing(
    tmp_path: Path, edit: dict[str, Any], said: str
) -> None:
    path = register(tmp_path, PLAN)
    path.write_text(json.dumps({**json.loads(path.read_text()), **edit}))
    assert registrations(tmp_path) == ()
    (listed,) = contents_of(Ledger(tmp_path)).unreadable
    assert listed.path == path
    assert said in str(listed)
    asked_for = [run(42, plan=PLAN.digest()), run(137, plan=PLAN.digest())]
    lost = standing(IDEA, BASE, asked_for, registrations(tmp_path))
    assert lost.word == "exploratory"
    assert PLAN.digest() in lost.departures[0]


def test_plans_of_before_they_were_sealed_are_read(tmp_path: Path) -> None:
    path = register(tmp_path, PLAN)
    plain = json.loads(path.read_text())
    del plain["seal"]
    path.write_text(json.dumps(plain))
    assert [plan.digest() for plan in registrations(tmp_path)] == [PLAN.digest()]


def test_a_seed_of_the_baseline_without_an_outcome_is_named() -> None:
    departed = standing(IDEA, BASE, PLANNED, [WRITTEN_PLAN], baseline_seeds=(42,))
    assert departed.departures == ("seed 137 of the plan's baseline without an outcome",)
    raced = replace(WRITTEN_PLAN, judged_on=(256, 512), baseline_seeds=(42, 137, 256, 512))
    arm = replace(ARM, seeds=(42, 137, 256, 512))
    raced = replace(raced, arms=(arm,))
    dropped = standing(IDEA, BASE, PLANNED, [raced], baseline_seeds=(42, 137))
    assert dropped.word == "as planned"
    half = standing(IDEA, BASE, [*PLANNED, run(256)], [raced], baseline_seeds=(42, 137, 256))
    assert half.departures == (
        "seed 512 of the plan without an outcome",
        "seed 512 of the plan's baseline without an outcome",
    )


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


def test_a_run_says_which_plan_it_was_begun_for_and_no_clock_is_asked() -> None:
    behind = [run(seed, started=BEFORE, plan=PLAN.digest()) for seed in (42, 137)]
    assert standing(IDEA, BASE, behind, [WRITTEN_PLAN]).word == "as planned"
    later = replace(PLAN, written=AFTER, number=2, baseline_seeds=(42, 137, 256))
    for_the_later = [run(seed, started=BEFORE, plan=later.digest()) for seed in (42, 137)]
    assert standing(IDEA, BASE, for_the_later, [WRITTEN_PLAN, later]).word == "as planned"


def test_a_run_of_no_plan_is_early_whatever_its_clock_says() -> None:
    ahead = [run(42, plan=""), run(137, plan=PLAN.digest())]
    kept = standing(IDEA, BASE, ahead, [WRITTEN_PLAN])
    assert kept.departures == ("seed 42 run before the plan was written",)
    foreign = [run(42, plan="0" * 16), run(137, plan=PLAN.digest())]
    assert standing(IDEA, BASE, foreign, [WRITTEN_PLAN]).departures == kept.departures


def test_plans_come_in_the_order_of_writing_whatever_the_clocks_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = [replace(PLAN, baseline_seeds=tuple(range(n))) for n in (1, 2, 3)]
    for plan, clock in zip(plans, (AFTER, BEFORE, WRITTEN), strict=True):
        monkeypatch.setattr("audition.records.registration.now", lambda clock=clock: clock)
        register(tmp_path, plan)
    assert [p.baseline_seeds for p in registrations(tmp_path)] == [(0,), (0, 1), (0, 1, 2)]


def test_plans_of_before_they_were_numbered_are_the_oldest(tmp_path: Path) -> None:
    register(tmp_path, PLAN)
    old = replace(PLAN, baseline_seeds=(1, 2), written="2099-01-01T00:00:00")
    plain = json.loads(json.dumps(asdict(old)))
    del plain["number"]
    (tmp_path / "plans" / f"{old.digest()}.json").write_text(json.dumps(plain))
    assert [p.baseline_seeds for p in registrations(tmp_path)] == [(1, 2), (42, 137)]


def test_a_run_is_of_the_first_plan_that_names_it() -> None:
    later = replace(PLAN, baseline_seeds=(42, 137, 256), number=2)
    screening = replace(PLAN, screening=True)
    plans = [screening, PLAN, later]
    assert naming(plans, IDEA, 137) == PLAN.digest()
    assert naming(plans, BASE, 42) == PLAN.digest()
    assert naming(plans, BASE, 256) == later.digest()
    assert naming(plans, IDEA, 256) == naming(plans, "2" * 16, 42) == ""


def test_what_plans_name_counts_and_nothing_else() -> None:
    later = replace(PLAN, baseline_seeds=(1, 2), arms=(replace(ARM, seeds=(1,)),), number=2)
    other = replace(PLAN, baseline_seeds=(7,), arms=(replace(ARM, config_hash="2" * 16),))
    of_first = Counted(frozenset({42, 137}), frozenset({42, 137}), True)
    assert counted(IDEA, BASE, [PLAN, other], (42, 137, 7)) == of_first
    of_both = Counted(frozenset({1, 42, 137}), frozenset({1, 2, 42, 137}), False)
    assert counted(IDEA, BASE, [PLAN, later], (42,)) == of_both
    assert counted(IDEA, BASE, [PLAN], (1, 2)) is None
    assert counted(IDEA, BASE, [replace(PLAN, screening=True)], (42,)) is None


def test_seeds_of_the_baseline_that_a_later_plan_added_are_named() -> None:
    seeds = {"baseline_seeds": (42, 137, 256, 512), "left_out": ("seed 7",)}
    departed = standing(IDEA, BASE, PLANNED, [WRITTEN_PLAN], **seeds)  # type: ignore[arg-type]
    assert departed.departures == ("seeds 256, 512 of the baseline added to the plan",)
    assert departed.left_out == ("seed 7",)


def test_arms_that_no_plan_brought_have_joined_too() -> None:
    joined = standing(IDEA, BASE, PLANNED, [WRITTEN_PLAN], family=(IDEA, "2" * 16, "3" * 16))
    assert (joined.word, joined.joined) == ("as planned", 2)

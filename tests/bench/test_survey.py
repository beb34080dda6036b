"""What is measured in which order and what follows from it, with speeds made up."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from audition.bench.estimate import Cell, Point
from audition.bench.show import show_findings
from audition.bench.survey import AT_MOST, survey
from audition.bench.trial import Timing, Trial, Unmeasured
from audition.errors import AuditionError
from audition.measured import remember
from audition.sweep import resolve_auto

Speed = Callable[[Trial], float]


class Made:
    """A timer that makes up speeds, and keeps what it was asked for."""

    warm_s = 2.0

    def __init__(self, timing: Any, speed: Speed, **facts: Any) -> None:
        self.timing, self.speed, self.facts = timing, speed, facts
        self.trials: list[Trial] = []

    def __call__(self, trial: Trial) -> Sequence[Timing]:
        self.trials.append(trial)
        first = 30.0 if len(self.trials) == 1 else 0.25  # it tokenises the text
        one = self.timing(units_per_s=self.speed(trial), start_s=first, **self.facts)
        return [one] * trial.workers


def of(trial: Trial) -> tuple[str, int, int]:
    execution, precision = trial.settings["execution"], trial.settings["precision"]["_target_"]
    return precision.rpartition(".")[2], execution["threads"], trial.workers


def run(asked: Any, timer: Any, cores: int = 4, cards: Sequence[int] = ()) -> Any:
    return survey(asked, timer, lambda total: lambda label: None, cores=cores, cards=cards)


def test_a_processor_is_measured_in_every_way(
    asked: Any, timing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def speed(trial: Trial) -> float:
        precision, threads, workers = of(trial)
        return (
            {1: 100.0, 2: 90.0, 4: 40.0}[workers]
            * (2 if precision == "Bfloat16" else 1)
            * (1 + threads / 10)
        )

    made = Made(timing, speed)
    found = run(asked("budget.steps=10", "seed=1,2"), made)
    assert found.cells == [
        Cell("fp32", 1, pytest.approx(110.0)),
        Cell("fp32", 2, pytest.approx(120.0)),
        Cell("fp32", 4, pytest.approx(140.0)),
        Cell("bf16", 1, pytest.approx(220.0)),
        Cell("bf16", 2, pytest.approx(240.0)),
        Cell("bf16", 4, pytest.approx(280.0)),
    ]
    assert [(p.workers, round(p.units_per_s)) for p in found.points] == [
        (1, 110),
        (2, 198),
        (4, 176),
    ]
    assert found.best == Point(2, 1, pytest.approx(198.0))
    assert [trial.evaluate for trial in made.trials] == [True] + 7 * [False]
    assert found.baseline.start_s == 0.25  # a start that tokenised the text is no usual one
    # Two runs at once: 10 steps of 100 tokens at 99 tokens/s, and evaluations slowed down likewise.
    assert found.cost.run_s["baseline"] == pytest.approx(0.25 + 1000 / 99 + 2 * 2.0 / 0.9)
    assert found.cost.wall_s == pytest.approx(2.0 + found.cost.run_s["baseline"])
    show_findings(found)
    shown = capsys.readouterr().out
    assert ["bf16", "220", "240", "280"] in [line.split() for line in shown.splitlines()]
    assert ["2", "*", "198", "99"] in [line.split() for line in shown.splitlines()]
    assert "2 workers: from now on the default here for runs of 1 thread on cpu" in shown
    assert "2 runs: 0 in the ledger, 2 to train, 20 steps in all" in shown
    assert "precision=bf16 trains 2.00 × as fast as fp32." in shown


def way_of(trial: Trial) -> tuple[str, bool]:
    return of(trial)[0], trial.settings["execution"]["compile"]


AUTO = ("precision=auto", "execution.compile=auto", "budget.steps=100")


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_auto, "multiplies_bfloat16", lambda device: True)


def test_where_compilation_is_open_every_way_is_measured_and_the_best_is_said(
    asked: Any, timing: Any, native: None, capsys: pytest.CaptureFixture[str]
) -> None:
    speeds = {("Bfloat16", False): 100.0, ("Bfloat16", True): 200.0, ("Float32", True): 160.0}
    made = Made(timing, lambda trial: speeds.get(way_of(trial), 50.0))
    found = run(asked(*AUTO), made, cores=1)
    assert [way_of(trial) for trial in made.trials] == [
        ("Bfloat16", False),
        ("Float32", False),
        ("Bfloat16", True),
        ("Bfloat16", True),  # the first fills the cache
        ("Float32", True),
        ("Float32", True),
    ]
    assert {(w.precision.rpartition(".")[2], w.compile): w.step_s for w in found.ways.ways} == {
        ("Bfloat16", False): 1.0,
        ("Float32", False): 2.0,
        ("Bfloat16", True): 0.5,
        ("Float32", True): 0.625,
    }
    assert {w.start_s for w in found.ways.ways} == {0.25}
    assert found.settled.startswith("bf16, compiled, for a run of 100 steps (bf16, compiled 50 s")
    show_findings(found)
    assert "bf16, compiled, for a run of 100 steps" in capsys.readouterr().out


def test_what_was_measured_settles_the_same_sweep(
    asked: Any, timing: Any, native: None, tmp_path: Path
) -> None:
    words = (*AUTO, "+idea=placebo", f"paths.cache_dir={tmp_path}")
    speeds = {("Bfloat16", True): 200.0}
    found = run(asked(*words), Made(timing, lambda t: speeds.get(way_of(t), 50.0)), cores=1)
    remember(tmp_path, found.pool(), found.to_dict(), found.ways)
    again = asked(*words)
    assert {run.settings["execution"]["compile"] for run in again.plan.runs} == {True}
    # Compiled now as it is configured, and measured the other way round as well.
    turned = run(again, Made(timing, lambda t: speeds.get(way_of(t), 50.0)), cores=1)
    by_kind = {(w.precision, w.compile): w.step_s for w in found.ways.ways}
    assert {(w.precision, w.compile): w.step_s for w in turned.ways.ways} == by_kind
    assert turned.settled == found.settled


def test_a_machine_without_a_compiler_measures_what_it_can(
    asked: Any, timing: Any, native: None
) -> None:
    why = "execution.compile=true needs a C++ compiler, such as g++"

    def without(**facts: Any) -> Timing:
        return timing(**facts, uncompiled=why if way_of(made.trials[-1])[1] else "")

    made = Made(without, lambda trial: 100.0)
    found = run(asked(*AUTO), made, cores=1)
    assert {way.compile for way in found.ways.ways} == {False}
    assert f"Not measured: bf16, compiled, {why}." in found.notes
    assert "compiled" not in found.settled


def test_every_arm_has_its_own_speed(asked: Any, timing: Any) -> None:
    made = Made(timing, lambda trial: 50.0 if trial.settings.get("ideas") else 100.0)
    found = run(asked("+idea=placebo", "seed=1,2", "budget.steps=10"), made, cores=1)
    assert list(found.arms) == ["baseline", "placebo"]
    runs = {"baseline": 0.25 + 10 + 4, "placebo": 0.25 + 20 + 4}
    assert found.cost.run_s == pytest.approx(runs)
    assert found.cost.wall_s == pytest.approx(2.0 + 2 * sum(runs.values()))


def test_cards_are_shared_as_far_as_their_memory_goes(
    asked: Any, timing: Any, on_cards: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Made(timing, lambda trial: 100.0 / trial.runs_per_gpu**0.5, card_mb=30, card_room_mb=100)
    found = run(on_cards(asked()), made, cards=(0, 1))
    # Two cards hold two runs each; four each would not fit.
    assert found.points == [Point(2, 1, 200.0), Point(4, 2, pytest.approx(282.84, abs=0.01))]
    assert found.best.runs_per_gpu == 2
    assert [(t.gpus, of(t)[1:]) for t in made.trials] == [
        ((0,), (1, 1)),
        ((0,), (1, 1)),
        ((0, 1), (1, 2)),
        ((0, 1), (1, 4)),
    ]
    assert (found.pool().device, found.pool().workers, found.pool().runs_per_gpu) == ("cuda", 4, 2)
    show_findings(found)
    shown = capsys.readouterr().out
    assert "4 workers (2 a card)" in shown
    assert "30 MB of its card" in shown


def test_one_card_alone_is_one_run_alone(asked: Any, timing: Any, on_cards: Any) -> None:
    made = Made(timing, lambda trial: 100.0 / trial.workers, card_mb=1, card_room_mb=100)
    found = run(on_cards(asked()), made, cards=(0,))
    assert [(p.workers, p.runs_per_gpu) for p in found.points] == [(1, 1), (2, 2), (4, 4)]
    assert found.best == Point(1, 1, 100.0)


def test_what_fails_beside_the_configured_way_is_said_and_left_out(asked: Any, timing: Any) -> None:
    def speed(trial: Trial) -> float:
        if of(trial)[0] == "Bfloat16" or trial.workers == 4:
            raise Unmeasured("killed by signal 9 (out of memory?)")
        return 100.0

    found = run(asked(), Made(timing, speed))
    assert [cell.units_per_s for cell in found.cells if cell.precision == "bf16"] == [None] * 3
    assert found.best.workers == 2
    assert len(found.notes) == 4
    assert "Not measured: 4 runs at once, killed by signal 9 (out of memory?)." in found.notes


def test_an_arm_that_cannot_be_measured_is_a_mistake(asked: Any, timing: Any) -> None:
    def speed(trial: Trial) -> float:
        raise Unmeasured("timed out after 100 s")

    said = "arm baseline cannot be measured: timed out after 100 s"
    with pytest.raises(AuditionError, match=said):
        run(asked(), Made(timing, speed))


def test_what_other_work_disturbed_is_tried_again_and_then_not_gone_by(
    asked: Any, timing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Made(timing, lambda trial: 100.0, cores=0.5)
    found = run(asked(), made, cores=2)
    assert found.disturbed == ("arm baseline", "bf16, 1 thread", "2 runs at once")
    assert len(made.trials) == 5 + 3  # threads that wait for each other say nothing
    show_findings(found)
    shown = capsys.readouterr().out
    assert "not kept, as other work disturbed it" in shown
    assert "Other work had this machine's cores" in shown


def test_a_race_costs_so_much_at_most(asked: Any, timing: Any) -> None:
    race = asked("hydra/sweeper=race", "+idea=placebo")
    assert len(race.plan.runs) == 2 * 8  # three seeds that screen, five that judge
    found = run(race, Made(timing, lambda trial: 100.0), cores=1)
    assert found.notes == (AT_MOST,)

"""The arithmetic of a bench, on sums done by hand."""

from typing import Any

import pytest

from audition.bench.estimate import (
    ArmCost,
    Cell,
    Point,
    advice,
    best_of,
    cost,
    runs_that_fit,
    share,
)
from audition.bench.trial import doubling


@pytest.mark.parametrize(
    ("most", "numbers"),
    [(1, (1,)), (2, (1, 2)), (3, (1, 2, 3)), (8, (1, 2, 4, 8)), (12, (1, 2, 4, 8, 12))],
)
def test_powers_of_two_and_the_whole(most: int, numbers: tuple[int, ...]) -> None:
    assert doubling(most) == numbers


@pytest.mark.parametrize(
    ("rates", "best"),
    [
        ({1: 100.0, 2: 190.0, 4: 300.0}, 4),
        ({1: 100.0, 2: 197.0, 4: 200.0}, 2),  # within 2 %: the smaller pool
        ({1: 100.0, 2: 195.0, 4: 200.0}, 4),
        ({1: 100.0, 2: 60.0}, 1),
        ({1: 99.0, 2: 100.0, 4: 99.5}, 1),
    ],
)
def test_the_smallest_pool_within_two_per_cent_of_the_fastest(
    rates: dict[int, float], best: int
) -> None:
    points = [Point(workers, 1, rate) for workers, rate in rates.items()]
    assert best_of(points).workers == best


def test_a_run_among_others_is_as_slow_as_the_next_larger_crowd_that_was_measured() -> None:
    points = [Point(1, 1, 100.0), Point(2, 1, 180.0), Point(4, 1, 240.0)]
    slowed = [share(points, 100.0, workers) for workers in (1, 2, 3, 4, 9)]
    assert slowed == pytest.approx([1.0, 0.9, 0.6, 0.6, 0.6])


def arm(timing: Any, name: str, runs: int, **more: Any) -> ArmCost:
    facts = {"steps": 50, "minutes": None, "evaluations": 2, **more}
    return ArmCost(name, runs, timing=timing, **facts)


def test_a_sweep_costs_steps_evaluations_and_starts_dealt_to_the_workers(timing: Any) -> None:
    # Alone a step takes 0.1 s and an evaluation 2 s; two at once go at 0.8 of that speed.
    points = [Point(1, 1, 1000.0), Point(2, 1, 1600.0)]
    plain, slow = timing(start_s=0.5), timing(start_s=0.5, units_per_s=500.0)
    found = cost(
        [arm(plain, "baseline", 3), arm(slow, "idea", 1)], points, alone=1000.0, warm_s=3.0
    )
    # 0.5 + 50 × 0.1 / 0.8 + 2 × 2 / 0.8 = 11.75, and with steps twice as long 18.
    assert found.run_s == pytest.approx({"baseline": 11.75, "idea": 18.0})
    assert (found.runs, found.steps) == (4, 200)
    assert found.worker_s == pytest.approx(3 * 11.75 + 18.0)
    # One worker has 18 and 11.75, the other twice 11.75; the server is waited for once.
    assert found.wall_s == pytest.approx(3.0 + 29.75)


def test_a_run_by_itself_is_not_slowed_down_and_nothing_costs_nothing(timing: Any) -> None:
    points = [Point(1, 1, 1000.0), Point(2, 1, 1600.0)]
    one = cost([arm(timing(), "baseline", 1)], points, alone=1000.0, warm_s=3.0)
    assert one.wall_s == pytest.approx(3.0 + 50 * 0.1 + 2 * 2)
    none = cost([arm(timing(), "baseline", 0)], points, alone=1000.0, warm_s=3.0)
    assert (none.runs, none.steps, none.wall_s, none.worker_s) == (0, 0, 0.0, 0.0)


def test_a_budget_in_minutes_takes_them_whatever_the_speed(timing: Any) -> None:
    points = [Point(1, 1, 1000.0), Point(2, 1, 1600.0)]
    arms = [arm(timing(), "baseline", 2, steps=None, minutes=0.5)]
    found = cost(arms, points, alone=1000.0, warm_s=0.0)
    assert found.run_s["baseline"] == pytest.approx(30.0 + 2 * 2 / 0.8)
    assert found.steps == 2 * 240  # of 0.125 s each


def test_a_run_of_fewer_steps_than_evaluations_has_one_a_step(timing: Any) -> None:
    arms = [arm(timing(), "baseline", 1, steps=1, evaluations=9)]
    found = cost(arms, [Point(1, 1, 1000.0)], alone=1000.0, warm_s=0.0)
    assert found.wall_s == pytest.approx(0.1 + 2.0)


@pytest.mark.parametrize(
    ("needs", "fit"), [((10, 20), (1, 2, 4)), ((10, 23), (1, 2)), ((10, 46), (1,)), ((99,), (1,))]
)
def test_a_card_holds_so_many_of_the_hungriest(
    timing: Any, needs: tuple[float, ...], fit: tuple[int, ...]
) -> None:
    timings = [timing(card_mb=need, card_room_mb=100.0) for need in needs]
    assert runs_that_fit((1, 2, 4), timings) == fit


BASE = [Cell("fp32", 1, 100.0), Cell("fp32", 2, 104.0), Cell("bf16", 1, 104.0)]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (BASE, []),
        ([*BASE[:2], Cell("bf16", 1, 150.0)], ["precision=bf16 trains 1.50 × as fast as fp32"]),
        ([*BASE, Cell("bf16", 2, None)], []),
        (
            [BASE[0], Cell("fp32", 2, 170.0)],
            ["execution.threads=2 trains a run alone 1.70 × as fast, but a sweep is no faster"],
        ),
        (
            [BASE[0], Cell("fp32", 2, 240.0)],
            ["execution.threads=2 trains a run alone 2.40 × as fast, and a sweep up to 1.20 ×"],
        ),
    ],
)
def test_advice_says_what_would_be_faster_and_leaves_the_choice(
    cells: list[Cell], said: list[str]
) -> None:
    told = advice(cells, Point(2, 1, 200.0), precision="fp32", threads=1, cores=2)
    assert [line[: len(words)] for line, words in zip(told, said, strict=False)] == said
    assert len(told) == (len(said) + 1 if said else 0)
    assert not told or told[-1].endswith("the choice is left to you.")

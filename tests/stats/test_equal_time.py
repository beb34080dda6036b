"""Equal time: read off by hand, and said in one sentence."""

import math
from dataclasses import replace

import pytest

from audition.stats.equal_time import Curve, equal_time


def runs(end, *losses):
    """Three seeds whose evaluations are evenly spread up to `end` seconds."""
    times = tuple(end * (k + 1) / len(losses) for k in range(len(losses)))
    offsets = {42: 0.0, 137: 0.01, 256: -0.01}
    return {seed: Curve(times, tuple(x + by for x in losses)) for seed, by in offsets.items()}


def test_reading_a_curve():
    curve = Curve((10.0, 20.0, 40.0), (4.0, 3.0, 2.0))
    assert [curve.at(t) for t in (10, 15, 20, 30, 40)] == [4.0, 3.5, 3.0, 2.5, 2.0]
    assert curve.at(9.9) is None
    assert curve.at(40.1) is None
    assert Curve((10.0,), (4.0,)).at(10.0) is None  # one evaluation is no curve


def test_a_gain_that_time_takes_back():
    found = equal_time(runs(100, 3.5, 3.0), runs(125, 3.6, 2.9), coarsest=1.0)
    # The idea at 100 of its 125 s: 62.5 s -> 3.6, 125 s -> 2.9, so 3.6 - .7 * 37.5 / 62.5 = 3.18.
    assert found.per_unit == pytest.approx(0.1)
    assert found.per_second == pytest.approx(3.0 - 3.18)
    assert (found.seconds, found.ratio, found.n) == (100, 1.25, 3)
    found = replace(found, unit="token")
    assert found.sentence.startswith("Ahead per token (+0.1000")
    assert "but behind per second (-0.1800" in found.sentence
    assert found.sentence.endswith("the idea takes 1.25 × the baseline's training time.")
    assert ". " not in found.sentence


def test_a_faster_idea_is_held_against_the_baselines_curve():
    found = equal_time(runs(100, 3.5, 3.0), runs(80, 3.5, 3.0), coarsest=1.0)
    assert found.per_unit == pytest.approx(0.0)
    # The baseline at 80 s: 3.5 - .5 * 30 / 50 = 3.2.
    assert found.per_second == pytest.approx(0.2)


def test_one_slow_machine_does_not_move_an_arm():
    """Runs are read at one share of their own time, so equal arms stay equal."""
    slow = runs(100, 3.5, 3.0)
    slow[42] = Curve((100.0, 200.0), slow[42].losses)
    found = equal_time(slow, slow)
    assert (found.per_second, found.per_unit) == (0.0, 0.0)
    assert found.seconds == pytest.approx(400 / 3)


@pytest.mark.parametrize(
    ("baseline", "idea", "reason"),
    [
        (runs(100, 3.5, 3.0), runs(250, 3.4, 2.9), "2 evaluations, none of them before 100 s"),
        (runs(100, 3.0), runs(100, 2.9), "1 evaluation, none of them before 100 s"),
        ({}, runs(100, 3.4, 2.9), "no finished run of the baseline"),
        (runs(100, 3.5, 3.0), {}, "no finished run of the idea"),
    ],
)
def test_curves_that_cannot_be_read(baseline, idea, reason):
    found = equal_time(baseline, idea)
    assert math.isnan(found.per_second)
    assert reason in found.reason
    assert found.sentence == f"No equal-time comparison: {found.reason}."


def test_seeds_are_paired_where_they_are_shared():
    first, second = runs(100, 3.5, 3.0), runs(100, 3.4, 2.9)
    second[42] = Curve(second[42].seconds, (3.4, 2.91))
    paired = equal_time(first, second)
    assert paired.per_unit_ci[1] - paired.per_unit_ci[0] < 0.05
    moved = {seed + 1: curve for seed, curve in second.items()}
    unpaired = equal_time(first, moved)
    assert unpaired.n == 0
    assert unpaired.per_unit == pytest.approx(paired.per_unit)
    with pytest.raises(ValueError, match="level=2"):
        equal_time(first, second, level=2)


def test_evaluations_far_apart_are_no_curve():
    found = equal_time(runs(100, 3.5, 3.0), runs(125, 3.6, 2.9))
    assert math.isnan(found.per_second)
    assert found.per_unit == pytest.approx(0.1)
    assert "takes 1.25 × the baseline's training time, and evaluations 50% of a run" in found.reason


def test_a_dense_curve_is_read():
    seconds = tuple(float(s) for s in range(5, 101, 5))
    dense = {s: Curve(seconds, tuple(3.0 - t / 100 for t in seconds)) for s in (1, 2)}
    slower = {s: Curve(tuple(1.1 * t for t in seconds), dense[s].losses) for s in (1, 2)}
    found = equal_time(dense, slower)
    assert found.reason == ""
    # The slower arm has come to 100 / 1.1 of the other's seconds: 1 / 11 of a loss behind.
    assert found.per_second == pytest.approx(-1 / 11)

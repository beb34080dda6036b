"""Timing, against a clock that only steps move."""

from collections.abc import Sequence

import pytest

from audition.bench.worker import Pace, paced


class World:
    """A clock, and steps that each take as long as is written down; the last goes on for ever."""

    def __init__(self, durations: Sequence[float], given: float = 1.0) -> None:
        self.durations, self.given = list(durations), given
        self.now, self.cpu, self.steps = 0.0, 0.0, 0
        self.met: list[int] = []

    def step(self) -> None:
        took = self.durations[min(self.steps, len(self.durations) - 1)]
        self.now, self.cpu, self.steps = (
            self.now + took,
            self.cpu + self.given * took,
            self.steps + 1,
        )

    def pace(self, seconds: float) -> Pace:
        return paced(
            self.step,
            seconds,
            meet=lambda: self.met.append(self.steps),
            clock=lambda: self.now,
            cpu_clock=lambda: self.cpu,
        )


def test_the_first_steps_are_not_counted() -> None:
    world = World([5.0, 0.5, 0.01], given=0.5)
    pace = world.pace(1.0)
    assert pace.first_s == 5.0
    assert world.met == [1]  # warm after the first, which was longer than any warm-up
    slow = World([0.1, 0.1, 0.1, 0.1, 0.01])
    assert slow.pace(1.0).steps_per_s == pytest.approx(100.0, rel=0.2)
    assert slow.met == [3]


def test_chunks_last_as_long_as_asked_and_are_of_one_size() -> None:
    pace = World([0.01], given=0.6).pace(1.6)
    assert pace.steps == 20
    assert sum(pace.seconds) == pytest.approx(1.6, abs=0.21)
    assert pace.steps_per_s == pytest.approx(100.0)
    assert pace.cores == pytest.approx(0.6)


def test_a_step_longer_than_the_time_is_timed_once() -> None:
    world = World([9.0, 7.0])
    pace = world.pace(1.0)
    assert (world.steps, pace.steps, pace.seconds, pace.cpu_s) == (2, 1, [7.0], 7.0)


@pytest.mark.parametrize(
    ("steps", "seconds", "rate"),
    [
        (10, [1.0, 1.0, 50.0], 10.0),  # the median shrugs it off
        (1, [0.1, 0.1, 2.8], 1.0),  # what every tenth step costs, counts
    ],
)
def test_long_chunks_give_a_median_short_ones_a_mean(
    steps: int, seconds: list[float], rate: float
) -> None:
    assert Pace(0.0, steps, seconds, 0.0).steps_per_s == pytest.approx(rate)


def test_what_was_asked_of_a_device_is_waited_for() -> None:
    world = World([0.001])

    def finish() -> None:
        world.now += 0.1

    pace = paced(world.step, 1.0, finish=finish, clock=lambda: world.now)
    assert pace.seconds == pytest.approx([0.1 + 0.001 * pace.steps] * len(pace.seconds))

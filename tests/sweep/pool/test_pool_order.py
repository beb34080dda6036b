"""Which job starts next: by hand, and against the plan's order on workers that a list stands for."""

import heapq
import itertools
from collections.abc import Mapping

import pytest

from audition.sweep.pool import End, Job
from audition.sweep.pool.estimate import Mean, Pace, longest
from audition.sweep.pool.queue import Queue, Waiting


def job(label: str, group: str | None = None, seconds: float | None = None) -> Job:
    return Job(label, group or label, {}, expected_seconds=seconds)


def ok(seconds: float) -> End:
    return End(status="ok", seconds=seconds)


@pytest.mark.parametrize(
    ("expected", "place"),
    [
        ([5.0], 0),
        ([5.0, 50.0, 20.0], 1),
        ([10.0, 10.0, 10.0], 0),
        ([10.1, 10.3, 10.2], 0),  # alike: the plan's order
        ([None, None], 0),
        ([100.0, None, None], 1),
        ([0.0, 3.0], 1),
    ],
)
def test_longest(expected: list[float | None], place: int) -> None:
    assert longest(expected) == place


def makespan(queue: Queue, seconds: Mapping[str, float], workers: int) -> tuple[float, list[str]]:
    """When the last of the queue's jobs ends, and their labels in the order of their starts."""
    tie = itertools.count()
    ends: list[tuple[float, int, Waiting | None]] = [(0.0, next(tie), None) for _ in range(workers)]
    order, last = [], 0.0
    while ends:
        now, _, ended = heapq.heappop(ends)
        last = max(last, now)
        if ended is not None:
            queue.learn(ended.job, ok(seconds[ended.job.label]))
        if (turn := queue.take(now)) is not None:
            order.append(turn.job.label)
            heapq.heappush(ends, (now + seconds[turn.job.label], next(tie), turn))
    return last, order


SECONDS = {"a": 2.0, "b": 2.0, "c": 2.0, "d": 6.0}


@pytest.mark.parametrize(
    ("known", "ends"),
    [
        ({}, 8.0),  # a b | c d: d starts at 2 and one worker idles for 4 s
        (SECONDS, 6.0),  # d | a b c
        ({"a": 2.0, "b": 2.0, "c": 2.0}, 6.0),  # d may be of any length
        ({name: 100 * seconds for name, seconds in SECONDS.items()}, 6.0),  # ratios are enough
    ],
)
def test_the_long_one_does_not_come_last(known: dict[str, float], ends: float) -> None:
    jobs = [job(name, seconds=known.get(name)) for name in SECONDS]
    assert makespan(Queue(jobs), SECONDS, 2)[0] == ends


def test_equal_runs_keep_the_order_of_the_plan() -> None:
    names = [f"{arm} {seed}" for arm in "ab" for seed in range(3)]
    seconds = {name: 10.0 + 0.1 * place for place, name in enumerate(names)}
    jobs = [job(name, name[0], 30.0) for name in names]
    assert makespan(Queue(jobs), seconds, 2)[1] == names


def test_a_group_is_learned_while_the_sweep_runs() -> None:
    seconds = {"a 0": 1.0, "b 0": 9.0, "a 1": 1.0, "a 2": 1.0, "b 1": 9.0}
    order = makespan(Queue(job(name, name[0]) for name in seconds), seconds, 1)[1]
    assert order == ["a 0", "b 0", "b 1", "a 1", "a 2"]


def test_what_was_expected_is_off_by_a_common_factor() -> None:
    pace = Pace()
    assert pace.expected(job("b", seconds=7.0)) == 7.0
    pace.learn(job("a", seconds=10.0), ok(30.0))
    pace.learn(job("c", seconds=10.0), End(status="failed", seconds=1.0))
    assert pace.expected(job("b", seconds=7.0)) == pytest.approx(21.0)
    assert pace.expected(job("a", seconds=10.0)) == 30.0
    assert pace.expected(job("d")) is None


def test_a_busy_job_waits_longer_each_time_and_then_counts_as_any_other() -> None:
    queue = Queue([job("held", seconds=9.0), job("short", seconds=1.0)])
    held = queue.take(0.0)
    assert held is not None
    queue.put_back(held, 0.0)
    assert sorted(queue.moments()) == [0.0, 1.0]
    short = queue.take(0.5)
    assert short is not None
    assert short.job.label == "short"
    assert queue.take(0.5) is None
    again = queue.take(1.0)
    assert again is not None
    assert again.job is held.job
    queue.put_back(again, 1.0)
    assert queue.moments() == [3.0]


def test_what_is_learned_grows_with_the_groups_alone() -> None:
    pace = Pace()
    for n in range(100):
        pace.learn(job(str(n), f"arm {n % 3}", 1.0), ok(1.0))
    groups, *numbers = vars(pace).values()
    assert all(isinstance(mean, Mean) for mean in groups.values())
    assert len(groups) == 3
    assert all(isinstance(number, float) for number in numbers)

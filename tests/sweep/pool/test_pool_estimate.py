"""The sums behind `about 2 min left`, done by hand."""

import pytest

from audition.sweep.pool.estimate import Mean, Underway, remaining
from audition.text import roughly

A10 = {"a": Mean().then(8.0).then(12.0)}

CASES: list[tuple[str, dict[str, Mean], list[Underway], dict[str, int], int, float | None]] = [
    ("nothing left", A10, [], {}, 2, 0.0),
    ("nothing known", {}, [Underway("a", 3.0)], {"a": 1}, 2, None),
    ("nothing known of those that wait", {}, [], {"a": 1}, 2, None),
    ("mean of its group", A10, [Underway("a", 4.0)], {}, 1, 6.0),
    ("late without progress: any moment", A10, [Underway("a", 14.0)], {}, 1, 0.0),
    ("its own progress outweighs the mean", A10, [Underway("a", 6.0, 0.25)], {}, 1, 18.0),
    ("too early to believe", A10, [Underway("a", 6.0, 0.01)], {}, 1, 4.0),
    ("past its end", A10, [Underway("a", 6.0, 1.5)], {}, 1, 0.0),
    ("progress of a sibling", {}, [Underway("a", 5.0, 0.5)], {"a": 1}, 1, 15.0),
    ("mean over siblings", {}, [Underway("a", 5, 0.5), Underway("a", 5, 0.25)], {"a": 1}, 2, 20),
    ("finished outweighs siblings", A10, [Underway("a", 5.0, 0.25)], {"a": 1}, 1, 25.0),
    ("unknown group takes the mean of all", A10, [], {"b": 3}, 1, 30.0),
    ("groups keep their own", {**A10, "b": Mean().then(1.0)}, [], {"a": 1, "b": 2}, 1, 12.0),
    ("two workers halve it", A10, [], {"a": 4}, 2, 20.0),
    ("an odd one out", A10, [], {"a": 5}, 2, 30.0),
    ("a waiting run starts when the first ends", A10, [Underway("a", 9.0), Underway("a", 2.0)],
     {"a": 1}, 2, 11.0),
    ("an idle worker takes it", A10, [Underway("a", 2.0)], {"a": 1}, 2, 10.0),
    ("longest first", {**A10, "b": Mean().then(4.0)}, [], {"b": 2, "a": 1}, 2, 10.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("finished", "running", "waiting", "workers", "seconds"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_remaining(
    finished: dict[str, Mean],
    running: list[Underway],
    waiting: dict[str, int],
    workers: int,
    seconds: float | None,
) -> None:
    found = remaining(finished=finished, running=running, waiting=waiting, workers=workers)
    assert found == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (61.2, "61 s"),
        (119.6, "2 min"),
        (150.0, "2 min"),
        (7199.0, "2 h 00 min"),
        (11100.0, "3 h 05 min"),
    ],
)
def test_roughly(seconds: float, words: str) -> None:
    assert roughly(seconds) == words

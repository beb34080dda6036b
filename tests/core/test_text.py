"""Numbers in words: every one readable, and none that says `nan`."""

from math import nan

import pytest

from audition.text import count, duration, interval, number, probability, signed


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (99.4, "99 s"),
        (99.6, "1 min 40 s"),
        (3599.6, "1 h 00 min"),
        (3600, "1 h 00 min"),
        (11520, "3 h 12 min"),
        (nan, "–"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_losses() -> None:
    assert signed(0.01234) == "+0.0123"
    assert signed(-0.01234) == "−0.0123"
    assert signed(nan) == "–"
    assert signed(-0.00001) == signed(0.00001) == "+0.0000"
    assert number(1234.5, ",.0f") == "1,234"
    assert number(nan, ".2f") == "–"
    assert interval((-0.0021, 0.0243)) == "[−0.0021, +0.0243]"
    assert interval(None) == interval((nan, 1.0)) == "[no interval]"


def test_probabilities_are_never_a_rounded_zero() -> None:
    assert [probability(p) for p in (0.5, 0.0004, 1.0, nan, None)] == [
        ".500",
        "< .001",
        "1.000",
        "–",
        "–",
    ]


def test_counts() -> None:
    assert [count(n, "run") for n in (0, 1, 1200)] == ["0 runs", "1 run", "1,200 runs"]

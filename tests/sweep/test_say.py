"""What a sweep says while it plans."""

import pytest

from audition.sweep.say import Planning


def test_many_arms_are_announced_at_once_and_estimated_soon(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [100.0]
    look = Planning(lambda: now[0])
    for planned in range(400):
        look(planned, 400)
        now[0] += 0.0625
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "audition: planning 400 arms."
    assert lines[1] == "audition: 10 of 400 arms planned, about 24 s left."
    assert [line.split()[1] for line in lines[1:]] == ["10", "90", "170", "250", "330"]


def test_a_few_arms_are_planned_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    look = Planning()
    for planned in range(20):
        look(planned, 20)
    assert capsys.readouterr().err == ""

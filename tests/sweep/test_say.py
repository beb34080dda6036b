"""What a sweep says while it plans, and before its first run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audition.records.store import Contents
from audition.sweep.arms import Question
from audition.sweep.plan import make_plan
from audition.sweep.say import Planning, say_plan


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


def test_a_sweep_says_all_that_the_card_of_a_draft_lacks(
    ask: Callable[[str], Question], composer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = make_plan(ask("model=tiny +idea=placebo seed=1,2"), composer)
    empty = Contents((), ())
    say_plan(plan, plan.runs, empty)
    assert "draft" not in capsys.readouterr().err
    pitch = {"cards": {"placebo": {"pitch": "Noise that does nothing."}}}
    runs = tuple(
        replace(run, settings={**run.settings, **pitch}) if run.settings.get("ideas") else run
        for run in plan.runs
    )
    say_plan(replace(plan, runs=runs), runs, empty)
    said = [line for line in capsys.readouterr().err.splitlines() if "draft" in line]
    assert said == [
        "audition: the card of placebo is a draft, and so is a verdict on it: a claim also needs "
        "aspect, mechanism, math, symbols, pro, con, flag, test, success, nearest_known, falsifier, "
        "kill_criterion, controls, expected_signature, cost."
    ]

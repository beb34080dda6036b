"""What stands in the terminal, whatever the runs were worth."""

from dataclasses import replace
from math import nan
from pathlib import Path

import pytest

from audition.answers import judge_arms
from audition.measure import Measure
from audition.plain_file import Unreadable
from audition.records.record import Record
from audition.records.store import Contents, Ledger
from audition.report.runs import show_problems, show_runs
from audition.report.terminal import show_judgements

MEASURES = {
    "val_loss": Measure("validation loss", "nats/token"),
    "val_bpb": Measure("validation bits per byte", "bits/byte"),
}


def runs(arm: str, losses: list[float]) -> list[Record]:
    return [
        Record(
            key=f"{arm}{seed}",
            config_hash=arm,
            baseline_hash="baseline",
            arm=arm,
            ideas=(),
            seed=seed,
            status="finished" if loss == loss else "diverged",
            reason="" if loss == loss else "the loss was nan at step [3]",
            metrics={"val_loss": loss, "val_bpb": loss} if loss == loss else {},
            measures=MEASURES,
            started="2026-01-01T10:20:30+00:00",
        )
        for seed, loss in enumerate(losses)
    ]


CASES = {
    "a spread": ([1.5, 1.6, 1.55], [1.4, 1.5, 1.46], "supported. It is better by 0.0967 nats"),
    "one seed": ([1.5], [1.4], "a gain of +0.1000 nats/token, without an interval"),
    "two seeds": ([1.5, 1.6], [1.4, 1.55], "2 seeds cannot tell whether"),
    "an idea that diverged": ([1.5, 1.6], [nan, nan], "refuted (unstable)"),
    "one that diverged once": ([1.5, 1.6], [1.4, nan], "refuted (unstable)"),
    "one seed, diverged": ([1.5], [nan], "refuted (unstable)"),
    "a baseline that diverged": ([nan, nan], [1.5, 1.4], "invalid"),
    "no spread": ([1.5, 1.5], [1.4, 1.4], "invalid"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_judgement_can_be_shown(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    baseline, idea, said = CASES[case]
    judgements = judge_arms([*runs("baseline", baseline), *runs("idea [x]", idea)])
    show_judgements(judgements, Ledger(Path("nowhere")))
    shown = capsys.readouterr().out
    assert said in " ".join(shown.split())
    assert "idea [x]" in shown
    assert [line for line in shown.splitlines() if line.endswith(" ")] == []
    assert "nan" not in shown
    assert "None" not in shown


def test_runs_and_why_they_ended(capsys: pytest.CaptureFixture[str]) -> None:
    show_runs(runs("baseline", [1.5, nan]))
    shown = capsys.readouterr().out.splitlines()
    line = "baseline baseline 0 finished 1.5000 1.5000 0 0.0 s 2026-01-01 10:20"
    assert " ".join(shown[1].split()) == line
    assert shown[-1] == "baseline seed 1 diverged: the loss was nan at step [3]"
    show_runs([])
    assert capsys.readouterr().out == ""


def test_a_long_name_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    name = "optimizer.lr=0.0001234,data.batch_size=128"
    show_runs([replace(r, arm=name) for r in runs("x", [1.5])])
    assert name in capsys.readouterr().out


def test_unreadable_files_are_named_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    show_problems(Contents((), (Unreadable(Path("a/record.json"), "has schema 0"),)))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "audition: a/record.json has schema 0; it is left out.\n"


def many(arms: int) -> list[Record]:
    found = runs("baseline", [1.50, 1.53, 1.48])
    for i in range(arms):
        found += runs(f"arm {i}", [1.50 - 0.001 * i, 1.53 - 0.002 * i, 1.48])
    return found


def test_many_verdicts_are_a_line_each_and_one_of_them_is_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ledger = Ledger(Path("nowhere"))
    show_judgements(judge_arms(many(40)), ledger)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 40 + 9
    assert lines[0].startswith("40 verdicts: ")
    shown = [line.split("  ")[0] for line in lines if line.startswith("arm ")][1:]
    assert sorted(shown) == sorted(f"arm {i}" for i in range(40))
    assert shown[0] == "arm 39"  # the largest gain
    assert "audition verdict ARM" in " ".join(lines[-2:])

    show_judgements(judge_arms(many(40), ["arm 7"]), ledger)
    assert "effect size" in capsys.readouterr().out
    show_judgements(judge_arms(many(40)), ledger, whole=True)
    assert capsys.readouterr().out.count("effect size") == 40


@pytest.mark.parametrize(("arms", "whole"), [(1, 1), (2, 2), (3, 0), (5, 0)])
def test_two_verdicts_are_whole_and_five_fit_a_screen(
    arms: int, whole: int, capsys: pytest.CaptureFixture[str]
) -> None:
    show_judgements(judge_arms(many(arms)), Ledger(Path("nowhere")))
    shown = capsys.readouterr().out
    assert shown.count("effect size") == whole
    assert shown.count("Next") == max(1, whole)
    if not whole:
        assert len(shown.splitlines()) <= 24


def test_two_swept_keys_stay_apart_and_come_in_the_leaderboards_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [f"attention.dropout=0.{i},feedforward.dropout=0.{j}" for i in (1, 2) for j in (1, 2)]
    found = runs("baseline", [1.50, 1.53, 1.48])
    for i, name in enumerate(names):
        found += runs(name, [1.50 - 0.01 * i, 1.53 - 0.011 * i, 1.48 - 0.012 * i])
    show_judgements(judge_arms(found), Ledger(Path("nowhere")))
    shown = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "dropout" in line]
    assert [name for name in shown if name.startswith("att")] == [
        f"att.dropout=0.{i},fee.dropout=0.{j}" for i in (2, 1) for j in (2, 1)
    ]


def test_a_long_name_is_still_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    longest = [replace(r, arm=r.arm + "," + "x" * 90) for r in many(20)]
    show_judgements(judge_arms(longest), Ledger(Path("nowhere")))
    assert len(capsys.readouterr().out.splitlines()) < 20 + 8

"""The two parts of a registered report, in the terminal and on the page."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audition.answers import judge_arms
from audition.measure import Measure
from audition.records.contents import contents_of
from audition.records.registration import PlannedArm, Registration, register, registrations
from audition.records.store import Ledger
from audition.report.page import write_report
from audition.report.registered import CONFIRMATORY, EXPLORATORY, NONE_LEFT, registered_terms
from audition.report.terminal import show_judgements

Make = Callable[..., Ledger]
SEEDS = (42, 137, 256, 512)
ARMS = {
    "baseline": dict(zip(SEEDS, (1.500, 1.511, 1.494, 1.502), strict=True)),
    "tested": dict(zip(SEEDS, (1.400, 1.408, 1.396, 1.403), strict=True)),
    "other": dict(zip(SEEDS, (1.300, 1.306, 1.297, 1.305), strict=True)),
}


def registered(ledger: Ledger, **terms: object) -> Ledger:
    """The ledger with its runs filed under a plan that registers a test of one of its arms."""
    hashes = {name: f"{k:016x}" for k, name in enumerate(ARMS)}
    arms = tuple(
        PlannedArm(name=name, config_hash=hashes[name], seeds=SEEDS, cards={})
        for name in ("tested", "other")
    )
    given = {"metric": "val_loss", "sesoi": 0.05, "sides": "two", **terms}
    plan = Registration(
        baseline_hash=hashes["baseline"],
        baseline_seeds=SEEDS,
        arms=arms,
        primary=(hashes["tested"],),
        **given,  # type: ignore[arg-type]
    )
    register(ledger.root, plan)
    for record in ledger.read().records:
        ledger.write(replace(record, plan=plan.digest()))
    return ledger


@pytest.fixture
def ledger(ledger_of: Make) -> Ledger:
    return registered(ledger_of(ARMS))


def shown(ledger: Ledger, capsys: pytest.CaptureFixture[str], **asked: object) -> str:
    found = judge_arms(
        contents_of(ledger).records,
        plans=registrations(ledger.root),
        **asked,  # type: ignore[arg-type]
    )
    show_judgements(found, ledger)
    return " ".join(capsys.readouterr().out.split())


def test_the_terminal_has_the_registered_test_first(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    confirmatory, exploratory = shown(ledger, capsys).split(EXPLORATORY)
    assert confirmatory.startswith(CONFIRMATORY)
    assert "It counts for the claim." in confirmatory
    assert "other" not in confirmatory
    for unregistered in ("effect size", "at equal time", "other tests", "rule of thumb"):
        assert unregistered not in confirmatory
        assert unregistered in exploratory
    assert "tested: beside its test" in exploratory
    assert "In the exploratory part: not registered as a test of this report." in exploratory


def test_a_test_that_departed_is_exploratory_with_the_reason(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    confirmatory, exploratory = shown(ledger, capsys, alpha=0.1).split(EXPLORATORY)
    assert NONE_LEFT in confirmatory
    assert "In the exploratory part: α is 0.1, and the plan's 0.05." in exploratory
    assert "counts for the claim" not in exploratory


def test_the_page_has_both_parts_and_a_figure_of_the_tests_alone(
    ledger: Ledger, tmp_path: Path
) -> None:
    written = write_report(ledger, tmp_path / "report")
    for text in (written.page.read_text(), written.markdown.read_text()):
        confirmatory, exploratory = text.split(EXPLORATORY)
        assert CONFIRMATORY in confirmatory
        assert "It counts for the claim." in confirmatory
        assert "Cohen" not in confirmatory
        assert "rule of thumb" not in confirmatory
        assert "In the exploratory part: not registered" in exploratory
    twin = written.markdown.read_text().split(EXPLORATORY)
    assert "registered.png" in twin[0]
    assert "forest.png" in twin[1]
    assert {"registered.png", "forest.png"} <= {path.name for path in written.figures}


def test_many_verdicts_are_lines_of_two_tables(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audition.report.terminal.MANY", 1)
    confirmatory, exploratory = shown(ledger, capsys).split(EXPLORATORY)
    assert "tested supported" in confirmatory
    assert "other supported" in exploratory
    assert "tested supported" not in exploratory


def test_what_was_registered_is_said_in_the_metrics_own_unit() -> None:
    accuracy = Measure("validation accuracy", "%", "higher", worth=0.5)
    plan = Registration(
        baseline_hash="0" * 16,
        baseline_seeds=(1,),
        arms=(PlannedArm(name="large", config_hash="1" * 16, seeds=(1,), cards={}),),
        metric="val_accuracy",
        sesoi=0.5,
        primary=("1" * 16,),
        expects="worse",
    )
    said = registered_terms(plan, accuracy)
    assert "by validation accuracy, large is worse than the baseline" in said
    assert "lies below zero and the harm is at least 0.50 %" in said

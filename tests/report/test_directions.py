"""A ledger judged by accuracy: every table, figure and page has the right sign, unit and words."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.report.conftest import DIGITS, Make
from tests.report.test_figures import dots, texts

from audition.answers import Judgement, judge_arms
from audition.answers.curves import read_curves
from audition.answers.judgement import best_first
from audition.answers.race_stages import RaceStage
from audition.cli.ledger import main
from audition.records.record import now
from audition.records.registration import PlannedArm, Registration, register
from audition.records.store import Ledger
from audition.report.figures import (
    detectable_effect,
    forest,
    learning_curves,
    noise_floor,
    paired_slopes,
    race_timeline,
    residual_map,
)
from audition.report.style import caption_of

ARMS = {
    "baseline": {42: 95.2, 137: 95.0, 256: 95.6, 512: 95.2},
    "wider": {42: 97.3, 137: 97.0, 256: 97.5, 512: 97.2},
    "worse": {42: 92.3, 137: 92.6, 256: 92.4, 512: 92.9},
}
FOREIGN = re.compile(r"\b(tokens?|nats?|bits?|bpb)\b", re.IGNORECASE)
Ask = Callable[..., str]


@pytest.fixture
def ledger(ledger_of: Make) -> Ledger:
    ledger = ledger_of(ARMS, task=DIGITS)
    arms = tuple(
        PlannedArm(name=name, config_hash=f"{k:016x}", seeds=tuple(ARMS[name]), cards={})
        for k, name in enumerate(ARMS)
        if name != "baseline"
    )
    seeds = tuple(ARMS["baseline"])
    facts = {"baseline_hash": f"{0:016x}", "baseline_seeds": seeds, "metric": "val_accuracy"}
    register(ledger.root, Registration(arms=arms, command="experiment=digits -m", **facts))
    return ledger


@pytest.fixture
def judged(ledger: Ledger) -> list[Judgement]:
    return best_first(judge_arms(ledger.read().records))


@pytest.fixture
def ask(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> Ask:
    def command(*words: str) -> str:
        main([*words, "--output-dir", str(ledger.root)])
        return capsys.readouterr().out

    return command


def labels(figure: Any) -> set[str]:
    axes = figure.axes
    return {a.get_xlabel() for a in axes} | {a.get_ylabel() for a in axes} - {""}


def test_the_better_idea_is_right_of_zero_and_first(judged: list[Judgement]) -> None:
    assert [j.arm.name for j in judged] == ["wider", "worse"]
    figure = forest(judged)
    better, worse = (dots(figure, f"improvement-{y}")[0, 0] for y in (0, 1))
    assert better == pytest.approx(2.0)
    assert worse == pytest.approx(-2.7)
    assert "improvement [%]: right of zero the idea is better" in labels(figure)
    assert "validation accuracy [%], higher is better" in caption_of(figure)
    assert "mean(idea) − mean(baseline)" in caption_of(figure)
    assert {"+2.00", "−2.70"} <= set(texts(figure))


def test_levels_are_drawn_as_they_were_measured(judged: list[Judgement], ledger: Ledger) -> None:
    slopes = paired_slopes(judged)
    assert sorted(dots(slopes, "idea-0")[:, 1]) == sorted(ARMS["wider"].values())
    assert sorted(dots(slopes, "baseline-0")[:, 1]) == sorted(ARMS["baseline"].values())
    assert "validation accuracy [%]" in labels(slopes)
    noise = noise_floor(judged)
    assert max(dots(noise, "seeds-0")[:, 0]) == pytest.approx(95.6 - 95.25)
    assert {"validation accuracy [%] minus the arm's mean", "s, the sd over seeds [%]"} <= labels(
        noise
    )
    assert "gain supported with power .8 [%]" in labels(detectable_effect(judged))
    curves = read_curves(ledger, [judged[0].baseline, *(j.arm for j in judged)])
    figure = learning_curves(judged, curves)
    assert dots(figure, "idea-0-seed-42")[-1, 1] == 97.3
    assert dots(figure, "difference-0-seed-42")[-1, 1] == pytest.approx(2.1)
    assert dots(figure, "difference-1-seed-42")[-1, 1] == pytest.approx(-2.9)
    assert {"validation accuracy [%]", "examples trained on"} <= labels(figure)


def test_a_better_run_is_blue_and_has_a_plus(judged: list[Judgement]) -> None:
    figure = residual_map(judged)
    (mesh,) = [c for a in figure.axes for c in a.collections if c.get_gid() == "cells"]
    left = mesh.get_array().reshape(3, 4)  # as losses, by arm and seed
    written = [t for t in texts(figure) if re.fullmatch(r"[+−]\d\.\d\d", t)]
    signs = [text[0] for text in written if text[1:] != "0.00"]
    expected = ["−" if loss > 0 else "+" for loss in left.ravel() if abs(loss) >= 0.005]
    assert signs == expected


def test_a_race_tells_its_gains_in_the_measures_unit(judged: list[Judgement]) -> None:
    step = RaceStage(idea="a", stage="first seed", seeds=(42,), mean_gain=2.1, threshold=0.3,
                    kept=True, start=0.0, end=60.0)  # fmt: skip
    figure = race_timeline([step], judged[0].measure)
    assert "D +2.10 (bar +0.30)" in texts(figure)
    assert "validation accuracy [%]" in caption_of(figure)


def test_the_leaderboard_ranks_by_the_gain_and_tells_the_level(ask: Ask) -> None:
    board = json.loads(ask("leaderboard", "--json"))
    assert [row["arm"] for row in board["rows"]] == ["wider", "worse"]
    assert [row["verdict"] for row in board["rows"]] == ["supported", "refuted"]
    assert board["rows"][0]["val_accuracy"] == pytest.approx(97.25)
    assert board["rows"][0]["baseline_val_accuracy"] == pytest.approx(95.25)
    assert board["measure"]["better"] == "higher"
    by_level = json.loads(ask("leaderboard", "--json", "--sort", "level"))
    assert [row["arm"] for row in by_level["rows"]] == ["wider", "worse"]
    # At equal time an idea of the baseline's speed keeps its gain.
    assert "Ahead per example (+2.00" in board["rows"][0]["equal_time"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("runs",), "val_accuracy  examples"),
        (("verdict",), "It is better by 2.00 % (simultaneous 90 % interval +1.63 to +2.37)"),
        (("leaderboard",), "validation accuracy 95.25 % (higher is better)"),
        (("watch", "--once"), "validation accuracy [%]"),
        (("power", "--gain", "0.5"), "A gain of +0.50 % takes"),
        (("calibrate", "--simulations", "50"), "(validation accuracy)"),
    ],
)
def test_no_command_speaks_of_language(ask: Ask, words: tuple[str, ...], said: str) -> None:
    shown = ask(*words)
    plain = shown if words == ("runs",) else " ".join(shown.split())
    assert said in plain
    assert not FOREIGN.search(shown), FOREIGN.search(shown)


def test_a_run_under_way_stands_beside_the_baselines_accuracy(ask: Ask, ledger: Ledger) -> None:
    (record,) = [r for r in ledger.read().records if (r.arm, r.seed) == ("wider", 42)]
    folder = ledger.folder_of(record)
    told = {"status": "running", "metrics": {}, "started": now(), "budget": {"steps": 6}}
    ledger.write(replace(record, **told))
    with ledger.claim(folder):
        shown = " ".join(ask("watch", "--once").split())
        (plain,) = json.loads(ask("watch", "--json"))
    # The other seeds of the baseline ended at as many examples as this run has by now.
    assert "97.30 above 95.25 ± 0.25" in shown
    assert plain["values"]["val/accuracy"] == 97.3
    assert plain["baseline"]["val/accuracy"] == {"mean": pytest.approx(95.25), "runs": 4}


def test_no_word_of_the_page_is_of_language(ask: Ask, ledger: Ledger) -> None:
    ask("report")
    folder = ledger.root / "report"
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    page = (folder / "report.html").read_text(encoding="utf-8")
    for text in (markdown, re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.DOTALL)):
        assert "Judged by validation accuracy [%], higher is better." in text.replace("\\", "")
        assert not FOREIGN.search(text), FOREIGN.search(text)
    assert "| examples |" in markdown
    for figure in folder.glob("*.svg"):
        assert not re.search(r">[^<]*\b(tokens?|nats?|bpb)\b", figure.read_text(encoding="utf-8"))

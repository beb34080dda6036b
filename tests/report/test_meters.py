"""The figure of effects' meters: what runs wrote is what it shows, and without meters there is none."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audition.answers import judge_arms
from audition.answers.curves import read_meters
from audition.answers.judgement import best_first
from audition.observers.metrics import Metrics
from audition.records.store import Ledger
from audition.report.figures import effect_meters
from audition.report.page import write_report
from audition.report.style import caption_of
from audition.training.loop import train

Make = Callable[..., Ledger]
ARMS = {
    "baseline": {1: 1.50, 2: 1.51, 3: 1.49},
    "idea": {1: 1.47, 2: 1.48, 3: 1.46},
    "plain": {1: 1.5, 2: 1.5, 3: 1.5},
}


def judged(ledger):
    judgements = best_first(judge_arms(ledger.read().records))
    arms = [judgements[0].baseline, *(j.arm for j in judgements)]
    return judgements, read_meters(ledger, arms)


def folders(ledger, arm):
    return [ledger.folder_of(r) for r in ledger.read().records if r.arm == arm]


def drawn(figure, gid):
    (found,) = [ln for axes in figure.axes for ln in axes.lines if ln.get_gid() == gid]
    return found


@pytest.fixture
def metered(ledger_of: Make, job_of) -> Ledger:
    """Three runs of the idea really had effects, and wrote their meters."""
    ledger = ledger_of(ARMS)
    for ceiling, folder in zip((0.01, 0.02, 0.04), folders(ledger, "idea"), strict=True):
        job = job_of("preset=saturation_limiter", f"effects.limiter.ceiling={ceiling}")
        train(job, [Metrics(folder, every=1)])
    return ledger


def test_a_panel_shows_the_mean_of_what_the_runs_wrote(metered):
    judgements, readings = judged(metered)
    figure = effect_meters(judgements, readings)
    wrote = [
        [
            line["effects/limiter/gain"]
            for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
            if "effects/limiter/gain" in line
        ]
        for folder in folders(metered, "idea")
    ]
    assert np.shape(wrote) == (3, 6)
    panels = [axes.texts[0].get_text() for axes in figure.axes if axes.get_xlabel()]
    assert panels == ["saturation/bent", "saturation/gain", "limiter/limited", "limiter/gain"]
    mean = drawn(figure, "meter-3-0")
    assert mean.get_xdata().tolist() == [64 * k for k in range(1, 7)]
    np.testing.assert_allclose(mean.get_ydata(), np.mean(wrote, axis=0))
    key = [text.get_text() for axes in figure.axes if not axes.get_xlabel() for text in axes.texts]
    assert key == ["idea"]  # neither the baseline nor the other arm has an effect
    assert "n = 3 an arm" in caption_of(figure)


def test_all_of_it_is_on_the_paper(metered):
    figure = effect_meters(*judged(metered))
    figure.draw_without_rendering()
    whole = figure.bbox.padded(1)
    for axes in figure.axes:
        for text in axes.texts:
            box = text.get_window_extent()
            assert whole.contains(box.x0, box.y0)
            assert whole.contains(box.x1, box.y1)


def test_a_value_that_was_not_finite_leaves_the_mean_to_the_others(ledger_of: Make):
    ledger = ledger_of(ARMS)
    for value, folder in zip((1.0, None, 3.0), folders(ledger, "idea"), strict=True):
        line = {"step": 1, "units": 10, "train/loss": 4.0, "effects/a/b": value}
        (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    figure = effect_meters(*judged(ledger))
    assert drawn(figure, "meter-0-0").get_ydata().tolist() == [2.0]


@pytest.mark.parametrize("with_meters", [True, False])
def test_the_report_has_the_figure_where_there_are_meters(
    ledger_of: Make, request, tmp_path: Path, with_meters
):
    ledger = request.getfixturevalue("metered") if with_meters else ledger_of(ARMS)
    written = write_report(ledger, tmp_path / "report")
    assert ("meters.png" in [path.name for path in written.figures]) is with_meters
    assert ("What the effects did" in written.page.read_text()) is with_meters


def test_what_arms_adjust_differently_has_panels_of_every_arm(ledger_of: Make):
    """The update rate differs, the learning rate's gain does not, and the momentum's is one arm's."""
    ledger = ledger_of(ARMS)
    for arm, rate in (("baseline", 1.0), ("idea", 0.4), ("plain", 1.0)):
        for folder in folders(ledger, arm):
            gains = {"train/lr_gain": 0.7} | ({"train/momentum_gain": 0.9} if arm == "idea" else {})
            line = {"step": 1, "units": 10, "train/loss": 4.0, "train/update_rate": rate, **gains}
            (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    judgements, readings = judged(ledger)
    title = "share of steps that updated"
    assert {title} == {name for arm in readings.values() for run in arm.values() for name in run}
    figure = effect_meters(judgements, readings)
    assert [axes.texts[0].get_text() for axes in figure.axes if axes.get_xlabel()] == [title]
    shown = sorted(drawn(figure, f"meter-0-{i}").get_ydata()[0] for i in range(3))
    assert shown == pytest.approx([0.4, 1, 1])

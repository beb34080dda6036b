"""Each figure shows every seed where the numbers put it, and says in its caption what it shows."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from audition.answers import Judgement, judge_arms
from audition.answers.curves import Curve, read_curves
from audition.answers.judgement import best_first
from audition.answers.race_stages import RaceStage
from audition.labels import labels
from audition.measure import Measure
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
from audition.report.figures.detectable import places, stands
from audition.report.figures.drawing import CROWD as MANY_DOTS
from audition.report.figures.gains import gains
from audition.report.figures.learning import band
from audition.report.figures.noise import envelope
from audition.report.figures.residuals import residuals
from audition.report.style import MARKER, THEME, VERDICT, apart, caption_of, save
from audition.stats import power_at

Make = Callable[..., Ledger]
NAN = math.nan
CAMPAIGN: Mapping[str, Mapping[int, float]] = {
    "baseline": {42: 1.500, 137: 1.511, 256: 1.494},
    "better": {42: 1.470, 137: 1.478, 256: 1.466},
    "same": {42: 1.502, 137: 1.506, 256: 1.497},
    "wild": {42: 1.49, 137: NAN, 256: 1.50},
    "short": {42: 1.48, 256: 1.47},
}
EXTRA = {
    "baseline": {s: 1.5 + 0.01 * math.sin(s) for s in range(8)},
    "idea": {0: 1.48, 1: 1.47, 2: 1.485},
}
LONE = {"baseline": {42: 1.5}, "idea": {42: 1.4}}
CROWD = {
    "baseline": {s: 1.5 + 0.01 * math.sin(s) for s in range(4)},
    **{
        f"one_of_many_ideas_of_a_long_name_{i:02}_with_an_end": {
            s: 1.5 + 0.01 * math.cos(7 * i + 3 * s) for s in range(4)
        }
        for i in range(12)
    },
}
LEDGERS = {"campaign": CAMPAIGN, "extra": EXTRA, "lone": LONE, "crowd": CROWD}


@pytest.fixture(params=LEDGERS)
def judged(request: pytest.FixtureRequest, ledger_of: Make) -> list[Judgement]:
    return best_first(judge_arms(ledger_of(LEDGERS[request.param]).read().records))


@pytest.fixture
def campaign(ledger_of: Make) -> list[Judgement]:
    return best_first(judge_arms(ledger_of(CAMPAIGN).read().records))


def dots(figure: Figure, gid: str) -> Any:
    """Where the points of the scatter named `gid` are [points, 2]."""
    found = [c for axes in figure.axes for c in axes.collections if c.get_gid() == gid]
    assert len(found) == 1, f"{gid}: {len(found)} of them"
    assert isinstance(found[0], PathCollection)
    return np.asarray(found[0].get_offsets())


def texts(figure: Figure) -> list[str]:
    return [t.get_text() for axes in figure.axes for t in axes.texts]


def line(figure: Figure, gid: str) -> Any:
    found = [ln for axes in figure.axes for ln in axes.lines if ln.get_gid() == gid]
    assert len(found) == 1, f"{gid}: {len(found)} of them"
    return found[0]


def test_gains_have_the_judgements_own_mean(judged: list[Judgement]) -> None:
    for judgement in judged:
        if math.isfinite(judgement.comparison.improvement):
            found = list(gains(judgement).values())
            assert len(found) == judgement.comparison.n
            # Extra baseline seeds have a share in the improvement, and no pair to be drawn.
            near = judgement.comparison.sesoi if judgement.comparison.design == "mixed" else 1e-12
            mean = sum(found) / len(found)
            assert mean == pytest.approx(judgement.comparison.improvement, abs=near, rel=1e-6)


def test_forest_puts_every_number_where_it_is(judged: list[Judgement]) -> None:
    figure = forest(judged)
    for y, judgement in enumerate(judged):
        c = judgement.comparison
        np.testing.assert_allclose(dots(figure, f"seeds-{y}")[:, 0], [*gains(judgement).values()])
        if math.isfinite(c.improvement):
            assert dots(figure, f"improvement-{y}")[0, 0] == pytest.approx(c.improvement)
        if math.isfinite(c.ci[0]):
            assert tuple(line(figure, f"interval-{y}").get_xdata()) == pytest.approx(c.ci)
        if c.seed_rule is not None and math.isfinite(c.seed_rule.threshold):
            assert set(line(figure, f"card-{y}").get_xdata()) == {c.seed_rule.threshold}
        bands = [b for b in figure.axes[0].collections if b.get_gid() == f"band-{y}"]
        if math.isfinite(c.sesoi):
            xs = bands[0].get_paths()[0].vertices[:, 0]
            assert (xs.min(), xs.max()) == pytest.approx((-c.sesoi, c.sesoi))
        else:
            assert not bands
    assert set(line(figure, "zero").get_xdata()) == {0}
    caption = caption_of(figure)
    assert "95 % interval (t;" in caption
    assert "n = " in caption


def test_forest_says_verdicts_in_words_and_shapes(campaign: list[Judgement]) -> None:
    said = " ".join(texts(forest(campaign)))
    for judgement in campaign:
        assert judgement.comparison.idea in said
        assert judgement.comparison.verdict in said
    assert "1 of 3 diverged" in said
    assert len(set(MARKER.values())) == len(set(VERDICT.values())) == 4


def test_slopes_show_every_run_and_label_its_seed(campaign: list[Judgement]) -> None:
    figure = paired_slopes(campaign)
    for i, judgement in enumerate(campaign):
        finite = [x for x in judgement.arm.losses.values() if x == x]
        assert sorted(dots(figure, f"idea-{i}")[:, 1]) == pytest.approx(sorted(finite))
        assert len(dots(figure, f"baseline-{i}")) == 3
        found = sorted(gains(judgement).values())
        assert sorted(dots(figure, f"differences-{i}")[:, 1]) == pytest.approx(found)
    said = texts(figure)
    assert {"42", "137", "256"} <= set(said)
    assert any("diverged: seed 137" in text for text in said)


def test_slopes_of_many_seeds_stay_in_the_picture(ledger_of: Make) -> None:
    arms = {
        arm: {seed: level + seed % 7 / 100 for seed in range(64)}
        for arm, level in (("baseline", 1.9), ("gate", 1.85))
    }
    figure = paired_slopes(best_first(judge_arms(ledger_of(arms).read().records)))
    assert len(dots(figure, "idea-0")) == 64
    assert not {str(seed) for seed in range(64)} & set(texts(figure))
    assert "labelled" not in caption_of(figure)


def test_curves_are_drawn_seed_by_seed(ledger_of: Make) -> None:
    ledger = ledger_of(CAMPAIGN)
    campaign = best_first(judge_arms(ledger.read().records))
    curves = read_curves(ledger, [campaign[0].baseline, *(j.arm for j in campaign)])
    figure = learning_curves(campaign, curves)
    for i, judgement in enumerate(campaign):
        for record in judgement.arm.records:
            points = dots(figure, f"idea-{i}-seed-{record.seed}")
            assert len(points) == (3 if record.status == "finished" else 2)
            if record.status == "finished":
                last = dots(figure, f"difference-{i}-seed-{record.seed}")[-1]
                gain = judgement.baseline.losses[record.seed] - record.metrics["val_loss"]
                assert tuple(last) == pytest.approx((1000, gain))
    assert "validation loss [nats/token] (lower is better)" in caption_of(figure)
    assert "95 % t interval over the seeds not diverged" in caption_of(figure)


def test_band_by_hand() -> None:
    over = band({1: {10: 1.0, 20: 2.0}, 2: {10: 3.0, 20: NAN}})
    assert over.means == (2.0, 2.0)
    # t(.975, 1) = 12.706; the sd of 1 and 3 is sqrt(2), so its standard error is 1.
    assert (over.lows[0], over.highs[0]) == pytest.approx((2 - 12.706205, 2 + 12.706205))
    assert math.isnan(over.lows[1])


@pytest.mark.parametrize("evaluations", [1, 2])
def test_few_evaluations_are_drawn(ledger_of: Make, evaluations: int) -> None:
    ledger = ledger_of(CAMPAIGN, evaluations=evaluations)
    campaign = judge_arms(ledger.read().records)
    curves = read_curves(ledger, [campaign[0].baseline, *(j.arm for j in campaign)])
    assert len(dots(learning_curves(campaign, curves), "baseline-0-seed-42")) == evaluations


def test_training_losses_stand_in_where_nothing_was_evaluated(ledger_of: Make) -> None:
    ledger = ledger_of(CAMPAIGN, evaluations=0)
    baseline = judge_arms(ledger.read().records)[0].baseline
    expected = Curve("train_loss", (100,), (9.0,))
    assert read_curves(ledger, [baseline])[baseline.config_hash][42] == expected


def test_a_line_being_written_is_passed_over(ledger_of: Make) -> None:
    ledger = ledger_of(CAMPAIGN)
    baseline = judge_arms(ledger.read().records)[0].baseline
    with (ledger.folder_of(baseline.records[0]) / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "units": 13')
    curve = read_curves(ledger, [baseline])[baseline.config_hash][42]
    assert curve.units == (333, 666, 1000)


def test_you_are_here_is_where_the_judgement_says(judged: list[Judgement]) -> None:
    figure, found = detectable_effect(judged), stands(judged)
    known = {j.comparison.idea for j in judged if math.isfinite(j.comparison.mde)}
    assert {name for stand in found for name in stand.names} == known
    for i, stand in enumerate(found):
        assert tuple(dots(figure, f"here-{i}")[0]) == pytest.approx((stand.n, stand.mde))
        curve = dict(zip(*line(figure, f"curve-{i}").get_data(), strict=True))
        assert curve[stand.n] == pytest.approx(stand.mde)
    assert bool(found) == any("you are here" in text for text in texts(figure))


def test_the_curve_meets_the_worthwhile_gain_at_the_seeds_needed(
    campaign: list[Judgement],
) -> None:
    for stand in stands(campaign):
        assert stand.seeds_needed is not None
        asked = {"sides": stand.sides, "family_size": stand.family}
        settled = [
            min(
                power_at(2 * stand.sesoi, n, stand.noise, sesoi=stand.sesoi, **asked),
                power_at(stand.sesoi, n, stand.noise, **asked),
            )
            for n in (stand.seeds_needed - 1, stand.seeds_needed)
        ]
        assert settled[0] < 0.8 <= settled[1]


def test_a_stricter_alpha_moves_the_curve_with_the_judgement(ledger_of: Make) -> None:
    strict = judge_arms(ledger_of(CAMPAIGN).read().records, alpha=0.01)
    for stand in stands(strict):
        assert stand.seeds_needed is not None
        assert stand.at(stand.n, 0.01) == pytest.approx(stand.mde)
        assert stand.at(stand.seeds_needed, 0.01) <= 2 * stand.sesoi
    assert "α = 0.01" in caption_of(detectable_effect(strict))


def test_a_figure_of_very_many_says_whom_it_leaves_out(campaign: list[Judgement]) -> None:
    figure = forest(campaign * 100)
    assert caption_of(figure).endswith("Drawn are the first 200 of 400 ideas.")
    assert figure.get_figheight() * 160 < 2**16


def test_a_curve_is_computed_where_it_bends_and_where_something_is_marked() -> None:
    assert places(2, 10, 4, None) == list(range(2, 11))
    some = places(2, 60, 33, 47, 80)
    assert {*range(2, 13), 33, 47, 60} <= set(some)
    assert len(some) < 30
    assert all(b / a < 1.2 for a, b in pairwise(some) if a >= 12)


@pytest.mark.parametrize(("seeds", "bitmaps"), [(20, False), (MANY_DOTS + 1, True)])
def test_a_crowd_of_seeds_is_a_bitmap_and_few_are_not(
    ledger_of: Make, tmp_path: Path, seeds: int, bitmaps: bool
) -> None:
    losses = {s: 1.5 + 0.01 * math.sin(s) for s in range(seeds)}
    arms = {"baseline": losses, "idea": {s: x - 0.01 for s, x in losses.items()}}
    svg = tmp_path / "slopes.svg"
    save(paired_slopes(judge_arms(ledger_of(arms).read().records)), svg)
    assert ("<image" in svg.read_text()) is bitmaps


def test_noise_floor_by_hand(campaign: list[Judgement]) -> None:
    figure = noise_floor(campaign)
    values = list(CAMPAIGN["baseline"].values())
    spread = float(np.std(values, ddof=1))
    assert dots(figure, "s-0")[0, 0] == pytest.approx(spread)
    deviations = sorted(value - sum(values) / 3 for value in values)
    assert sorted(dots(figure, "seeds-0")[:, 0]) == pytest.approx(deviations)
    assert texts(figure).count("not counted") == 1
    assert "χ²" in caption_of(figure)
    # Quantiles of chi-squared with 2 degrees of freedom: -2 ln(1 - p).
    low, high = (math.sqrt(-2 * math.log(1 - p) / 2) for p in (0.025, 0.975))
    assert envelope(1.0, 3) == pytest.approx((low, high))


def test_residuals_by_hand() -> None:
    # 1 2 / 3 8: the grand mean is 3.5, arms 1.5 and 5.5, seeds 2 and 5.
    expected = [[1.0, -1.0], [-1.0, 1.0]]
    np.testing.assert_allclose(residuals(np.array([[1.0, 2.0], [3.0, 8.0]])), expected)
    gap = residuals(np.array([[1.0, 2.0, NAN], [3.0, 8.0, 1.0]]))
    np.testing.assert_allclose(gap[:, :2], expected)
    assert math.isnan(gap[0, 2])
    assert gap[1, 2] == pytest.approx(0.0)


def test_residual_map_shows_every_cell(campaign: list[Judgement]) -> None:
    figure = residual_map(campaign)
    said = texts(figure)
    assert said.count("diverged") == 1
    assert said.count("no run") == 1
    assert sum(text[0] in "+−" for text in said) == 13
    assert "n = 13 runs" in caption_of(figure)


@pytest.mark.parametrize("draw", [forest, paired_slopes, detectable_effect, noise_floor])
def test_nothing_to_draw_is_said(draw: Callable[[Sequence[Judgement]], Figure]) -> None:
    figure = draw([])
    assert not figure.axes
    assert caption_of(figure).endswith(".")


def test_race_shows_every_seed_and_who_left() -> None:
    steps = [
        RaceStage(idea="a", stage="first seed", seeds=(42,), mean_gain=0.01, threshold=0.0,
                 kept=True, start=0.0, end=60.0),
        RaceStage(idea="b", stage="first seed", seeds=(42,), mean_gain=-0.02, threshold=0.0,
                 kept=False, start=60.0, end=120.0),
        RaceStage(idea="a", stage="fresh seeds", seeds=(1, 2, 3), mean_gain=NAN, threshold=NAN,
                 kept=True, start=120.0, end=300.0),
    ]  # fmt: skip
    figure = race_timeline(steps, Measure("validation loss", "nats/token"))
    said = " ".join(texts(figure))
    assert "D −0.0200 (bar +0.0000)" in said
    assert "dropped, first seed · 1 seed" in said
    assert "kept · 4 seeds" in said
    shown = [c.get_offsets() for c in figure.axes[0].collections if c.get_sizes()[0] == 16]
    assert sum(map(len, shown)) == 5
    assert "n = 5 runs" in caption_of(figure)
    assert max(np.asarray(shown[-1])[:, 0]) <= 5.0  # minutes


def test_no_label_leaves_the_paper(judged: list[Judgement]) -> None:
    for draw in (forest, paired_slopes, detectable_effect, noise_floor, residual_map):
        figure = draw(judged)
        figure.set_dpi(160)  # as saved: hinting makes text wider on a coarse grid
        figure.draw_without_rendering()
        paper = figure.bbox
        for text in [*figure.texts, *(t for axes in figure.axes for t in axes.texts)]:
            box = text.get_window_extent()
            assert paper.x0 - 1 <= box.x0 <= box.x1 <= paper.x1 + 1, text.get_text()
            assert paper.y0 - 1 <= box.y0 <= box.y1 <= paper.y1 + 1, text.get_text()


def test_names_stay_apart_and_labels_do() -> None:
    names = [f"one_of_many_ideas_of_a_long_name_{i:02}_with_an_end" for i in range(30)]
    assert len(set(labels(names))) == 30
    assert max(map(len, labels(names))) <= 30
    assert labels(["short", "names"]) == ["short", "names"]
    placed = sorted(apart([1.0, 1.01, 1.02, 5.0], 0.5))
    assert min(b - a for a, b in pairwise(placed)) >= 0.5 - 1e-9
    assert 5.0 in placed


def test_themes_light_inks_are_told_apart() -> None:
    light = [pair[0] for pair in THEME.values()]
    assert len(set(light)) == len(light)


def test_a_stream_draws_its_matrix_and_what_each_phase_kept(tmp_path):
    """R of an arm is the mean over its finished seeds; runs that are no streams have none."""
    from types import SimpleNamespace

    from audition.measure import Measure
    from audition.report.figures import accuracy_matrix, forgetting_curves, matrices

    def run(status, last):
        whole = ((50, 50), (90, 10), (last, 80))
        return SimpleNamespace(
            matrices={"val_accuracy": whole},
            primary="val_accuracy",
            status=status,
            measure=lambda name: Measure("validation accuracy", "%", "higher"),
        )

    def judged(*records):
        baseline = SimpleNamespace(records=records)
        arm = SimpleNamespace(records=(run("finished", 85),))
        comparison = SimpleNamespace(idea="replay")
        return [SimpleNamespace(baseline=baseline, arm=arm, comparison=comparison)]

    judgements = judged(run("finished", 60), run("finished", 40), run("diverged", 0))
    found = matrices(judgements)
    assert {name: table[2].tolist() for name, table in found.items()} == {
        "baseline": [50, 80],
        "replay": [85, 80],
    }
    for figure in (accuracy_matrix(judgements), forgetting_curves(judgements)):
        said = {text.get_text() for axes in figure.axes for text in axes.texts}
        assert {"baseline", "replay"} <= said
    plain = SimpleNamespace(matrices={}, primary="val_loss", status="finished")
    assert "baseline" not in matrices(judged(plain))


def test_episodes_are_drawn_with_the_interval_of_each_model() -> None:
    """A line a finished seed, from accuracy less half the interval to accuracy and half of it."""
    from made_records import made

    from audition.report.figures import episode_intervals, known_models

    def run(arm: str, seed: int, accuracy: float, **facts: Any) -> Any:
        metrics = {"val_accuracy": accuracy, "val_interval": 1.5, "val_floor": 76.0}
        told = {"metrics": metrics, "primary": "val_accuracy", "weights": f"{arm}{seed}"}
        measures = {"val_accuracy": Measure("accuracy", "%", "higher")}
        return made(arm, seed, 0.0, **{**told, "measures": measures, **facts})

    records = [run("baseline", s, 80.0 + 0.3 * s) for s in (1, 2, 3)]
    records += [run("few_shot", s, 84.0 - 0.2 * s) for s in (1, 2, 3)]
    judgements = judge_arms(records)
    found = known_models(judgements)
    assert [(k.seed, k.accuracy) for k in found["few_shot"]] == [(1, 83.8), (2, 83.6), (3, 83.4)]
    (axes,) = episode_intervals(judgements).axes
    drawn = {str(line.get_gid()): line.get_xdata() for line in axes.lines}
    assert list(drawn["interval-1-2"]) == pytest.approx([82.1, 85.1])
    assert list(drawn["interval-0-3"]) == pytest.approx([79.4, 82.4])
    assert set(drawn["floor"]) == {76.0}
    assert sum(name.startswith("interval") for name in drawn) == 6
    without = [run("baseline", s, 80.0, metrics={"val_accuracy": 80.0 + s}) for s in (1, 2, 3)]
    others = [run("few_shot", s, 80.0, metrics={"val_accuracy": 81.0 + s}) for s in (1, 2, 3)]
    assert not known_models(judge_arms([*without, *others]))


def test_pictures_say_the_label_the_truth_and_the_chance_of_a_wrong_one(ledger_of: Make) -> None:
    """Of the finished run with the lowest seed; an arm without such a file is left out."""
    from dataclasses import replace

    from audition.answers import arms_of
    from audition.answers.seen_pictures import arm_pictures
    from audition.records.seen_pictures import FILE, SeenPictures
    from audition.report.figures import held_out_pictures

    ledger = ledger_of({"baseline": {1: NAN, 2: 80.0, 3: 81.0}, "gate": {1: 82.0}})
    seen = SeenPictures(
        np.zeros((3, 3, 8, 8), np.uint8),
        np.array([0, 1, 1]),
        np.array([0, 1, 0]),
        np.array([0.9, 0.8, 0.7]),
        np.array([0.1, 0.2, 1e-6]),
        np.array(["cat", "dog"]),
        same=2,
        among=1024,
        step=10,
    )
    for record in ledger.read().records:
        if record.arm == "baseline":
            shown = replace(seen, step=record.seed)
            (ledger.folder_of(record) / FILE).write_bytes(shown.saved())
    arms = list(arms_of(ledger.read().records).values())
    (found,) = arm_pictures(ledger, arms)
    assert (found.arm, found.seed, found.seen.step) == ("baseline", 2, 2)
    figure = held_out_pictures([found])
    said = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert said[0][:3] == ["cat", "right", "wrong: 10.0 %"]
    assert said[1] == ["dog", "right", "wrong: 20.0 %"]
    assert said[2][:3] == ["cat", "is dog", "wrong: < 0.1 %"]
    assert "1,024" in str(figure.get_label())

"""Figures of a search put every trial where its numbers are, and what has none where it is seen."""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audition.records.studies import Account, Parameter, Trial
from audition.report.figures import (
    search_front,
    search_history,
    search_importances,
    search_slices,
)
from audition.report.gallery import draw_search
from audition.report.style import caption_of, save

Make = Callable[..., Account]
ALL = (search_history, search_slices, search_importances, search_front)


def bare(drawn: Artist) -> str:
    """What is drawn, without the number of its panel."""
    return re.sub(r"^\d+-", "", drawn.get_gid() or "")


def dots(axes: Axes, gid: str) -> Any:
    """Where the points of the scatter named `gid` are [points, 2]; of none, an empty one."""
    found = [c for c in axes.collections if bare(c) == gid]
    assert len(found) < 2
    return np.asarray(found[0].get_offsets()) if found else np.empty((0, 2))


def line(axes: Axes, gid: str) -> Any:
    found = [drawn for drawn in axes.lines if drawn.get_gid() == gid]
    assert len(found) == 1, gid
    return found[0]


def panel(figure: Figure, title: str) -> Axes:
    found = [axes for axes in figure.axes if any(t.get_text() == title for t in axes.texts)]
    assert len(found) == 1, title
    return found[0]


def test_history_puts_every_trial_at_its_number(every: Account) -> None:
    (axes,) = search_history(every).axes
    whole = dots(axes, "whole-0")
    np.testing.assert_allclose(whole, [[0, 1.51], [4, 1.41], [9, 1.45]])
    np.testing.assert_allclose(dots(axes, "given-up-0"), [[2, 1.59]])
    assert dots(axes, "under-way-0").tolist() == [[7, 1.45]]
    level = line(axes, "default-0")
    assert list(level.get_ydata()) == pytest.approx([1.51, 1.51])
    steps = line(axes, "best-0")
    assert list(steps.get_xdata())[:4] == [0, 4, 5, 9]
    assert list(steps.get_ydata()) == pytest.approx([1.51, 1.41, 1.41, 1.41, 1.41])
    said = [t.get_text() for t in axes.texts]
    assert {"best 1.4100", "trial 4", "default 1.5100", "trial 0"} <= set(said)


def test_what_has_no_place_stands_in_the_strip(every: Account) -> None:
    (axes,) = search_history(every).axes
    beyond = {
        bare(c): np.asarray(c.get_offsets())[:, 0].tolist()
        for c in axes.collections
        if bare(c).endswith("beyond")
    }
    # 1 diverged, 3 failed, 5 is far above the others, 6 was given up inside its first run.
    assert beyond == {
        "diverged-0-beyond": [1],
        "failed-0-beyond": [3],
        "whole-0-beyond": [5],
        "given-up-0-beyond": [6],
    }
    strip = next(c for c in axes.collections if bare(c) == "diverged-0-beyond")
    assert np.asarray(strip.get_offsets())[0, 1] > 1.0  # of the axis's height
    assert not strip.get_clip_on()
    assert axes.get_ylim()[1] < 9.0


def test_every_seed_is_a_dot(every: Account) -> None:
    (axes,) = search_history(every).axes
    seeds = [(t.number, v) for t in every.trials for (v,) in t.seeds.values() if v < 9]
    assert {tuple(row) for row in dots(axes, "seeds-0").tolist()} == set(seeds)


def test_the_caption_counts(every: Account) -> None:
    caption = caption_of(search_history(every))
    assert "n = 10 trials (4 whole, 2 given up, 1 diverged, 1 failed, 1 under way, 1 waiting)" in (
        caption.replace("\u00a0", " ")
    )
    assert "×: diverged" in caption
    assert "×" not in caption_of(
        search_history(Account(**{**vars(every), "trials": every.trials[:1]}))
    )


def test_slices_have_a_panel_a_parameter_with_its_own_scale(every: Account) -> None:
    figure = search_slices(every)
    lr, norm = panel(figure, "optimizer.lr"), panel(figure, "norm")
    assert lr.get_xscale() == "log"
    assert dots(lr, "whole-0")[:, 0].tolist() == pytest.approx([0.001, 0.005, 0.010])
    assert dots(lr, "default").tolist() == [pytest.approx([0.001, 1.51])]
    assert dots(lr, "best").tolist() == [pytest.approx([0.005, 1.41])]
    assert dots(lr, "diverged-0-beyond")[:, 0].tolist() == pytest.approx([0.002])
    assert [t.get_text() for t in norm.get_xticklabels()] == ["layernorm", "null", "true"]
    assert np.rint(dots(norm, "whole-0")[:, 0]).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [(1e-4, 1e-1, "log"), (1.0, 10.0, "linear"), (0.0, 100.0, "linear"), (2.0, 21.0, "log")],
)
def test_more_than_a_decade_is_drawn_in_logs(
    made: Make, every: Account, low: float, high: float, scale: str
) -> None:
    parameter = Parameter(name="optimizer.lr", low=low, high=high)
    figure = search_slices(made(*every.trials, parameters=(parameter,)))
    assert figure.axes[0].get_xscale() == scale


def test_branches_are_told_apart(forked: Account) -> None:
    figure = search_slices(forked)
    choice = panel(figure, "optimizer")
    assert len(dots(choice, "whole-0")) == len(dots(choice, "whole-1")) == 2
    looks = [c for c in choice.collections if bare(c) in ("whole-0", "whole-1")]
    assert looks[0].get_facecolor().tolist() != looks[1].get_facecolor().tolist()
    assert len(looks[0].get_paths()[0].vertices) != len(looks[1].get_paths()[0].vertices)
    decay = panel(figure, "optimizer.decay")
    assert dots(decay, "whole-1")[:, 0].tolist() == [0.1, 0.4]
    assert len(dots(decay, "whole-0")) == len(dots(decay, "default")) == 0
    assert any(t.get_text() == "optimizer=muon" for t in decay.texts)
    assert {"adamw", "muon"} <= {t.get_text() for t in search_history(forked).axes[0].texts}


def test_bars_are_as_long_as_shares(every: Account, forked: Account) -> None:
    (axes,) = search_importances(every).axes
    bars = [patch.get_width() for patch in axes.patches]
    assert bars == [0.75, 0.25]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["optimizer.lr", "norm"]
    none = search_importances(forked)
    assert not none.axes
    assert "optimizer=muon, 2 trials: few" in caption_of(none)


def test_the_front_is_what_no_trial_beats(two: Account) -> None:
    assert [t.number for t in two.front()] == [0, 2, 3]
    (axes,) = search_front(two).axes
    assert dots(axes, "front-0").tolist() == [[1.0, 9.0], [3.0, 5.0], [4.0, 1.0]]
    assert dots(axes, "other-0").tolist() == [[2.0, 9.5], [4.5, 1.5]]
    assert dots(axes, "default").tolist() == [[4.5, 1.5]]
    assert list(line(axes, "front").get_xdata()) == [1.0, 3.0, 4.0]
    assert line(axes, "front").get_drawstyle() == "steps-post"
    assert len(dots(axes, "diverged")) == 1
    assert any(t.get_text() == "1 diverged" for t in axes.texts)
    assert len(search_history(two).axes) == 2


def cases(made: Make, every: Account) -> dict[str, Account]:
    ill = [t for t in every.trials if t.state != "whole"]
    return {
        "none": made(parameters=(), importances=()),
        "one": made(every.trials[0]),
        "one diverged": made(every.trials[1]),
        "no whole trial": made(*ill),
        "one value for all": made(*every.trials[:1] * 3),
    }


@pytest.mark.parametrize(
    "name", ["none", "one", "one diverged", "no whole trial", "one value for all"]
)
def test_little_to_show_is_shown(made: Make, every: Account, name: str, tmp_path: Path) -> None:
    account = cases(made, every)[name]
    for number, draw in enumerate(ALL):
        figure = draw(account)
        assert caption_of(figure)
        save(figure, tmp_path / f"{number}.svg")


def test_names_of_studies_are_no_paths(two: Account, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    pictures = draw_search(folder, Account(**{**vars(two), "name": "../a b/<c>"}))
    assert [p.name.rpartition("-")[2] for p in pictures] == [
        "history",
        "slices",
        "importances",
        "front",
    ]
    assert {path.parent for path in tmp_path.rglob("search-*")} == {folder}


def numbers(trials: Sequence[Trial]) -> list[int]:
    return [each.number for each in trials]


def test_the_best_are_unlike_and_not_the_default(every: Account) -> None:
    again = Account(**{**vars(every), "trials": (*every.trials, every.trials[4])})
    assert numbers(again.best(5)) == [4, 9, 5]
    assert numbers(again.best(1)) == [4]
    assert again.default is again.trials[0]
    assert math.isinf(again.trials[1].values[0])

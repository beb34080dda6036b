"""Spaces: what they hold, how a point of one is typed, and each mistake in its sentence."""

from collections.abc import Callable
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.sweep.keys import check_unset
from audition.sweep.search.make_trials import check_objectives, grid
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points, corners
from audition.sweep.search.space.space import Range, holds, overrides, read_space, typed

FORK = {
    "optimizer": {
        "adamw": {"optimizer.lr": {"low": 1e-3, "high": 1e-2, "log": True}},
        "muon": {"optimizer.lr": {"low": 0.01, "high": 0.1}, "optimizer.nesterov": [True, False]},
    },
    "norm": ["layernorm", "rmsnorm"],
}


def never(key: str, low: float, high: float) -> bool:
    return False


def test_a_branch_has_only_its_own_keys() -> None:
    space = read_space(FORK, never)
    chosen = {
        "optimizer": "muon",
        "optimizer.lr[optimizer=muon]": 0.0512345,
        "optimizer.nesterov[optimizer=muon]": False,
        "norm": "rmsnorm",
    }
    asked: list[str] = []

    def pick(part: Any) -> Any:
        asked.append(part.name)
        return chosen[part.name]

    assert overrides(space, pick) == (
        "optimizer=muon",
        "optimizer.lr=0.05123",
        "optimizer.nesterov=false",
        "norm=rmsnorm",
    )
    assert asked == list(chosen)


def test_the_corners_have_every_choice_and_both_ends() -> None:
    found = " | ".join(" ".join(point) for point in corners(read_space(FORK, never)))
    for words in (
        "optimizer=adamw optimizer.lr=0.001",
        "optimizer=adamw optimizer.lr=0.01",
        "optimizer=muon optimizer.lr=0.01",
        "optimizer=muon optimizer.lr=0.1 optimizer.nesterov=true",
        "nesterov=false",
        "norm=rmsnorm",
    ):
        assert words in found


def test_a_grid_has_every_combination_of_every_branch() -> None:
    assert len(grid(read_space(FORK, never))) == 2 * (5 + 5 * 2)


@pytest.mark.parametrize(
    ("among", "value", "text"),
    [
        (Range(low=0.0, high=1.0), 1 / 3, "0.3333"),
        (Range(low=1e-5, high=1e-3), 0.000123456, "0.0001235"),
        (Range(low=0.12344, high=1.0), 0.12344, "0.12344"),
        (Range(low=1, high=9, whole=True), 4, "4"),
    ],
)
def test_a_number_is_typed_legibly_and_stays_inside(among: Range, value: float, text: str) -> None:
    assert typed(among, value) == text
    assert holds(among, float(text))


BAD: list[tuple[Any, str]] = [
    (None, "the space is empty"),
    ({}, "the space is empty"),
    ({"optimizer.lr": 3}, "optimizer.lr=3 is neither a range"),
    ({"optimizer.lr": {"low": 1}}, "optimizer.lr needs high, a number; it is None"),
    ({"optimizer.lr": {"low": "x", "high": 1}}, "optimizer.lr needs low, a number; it is 'x'"),
    ({"optimizer.lr": {"low": 1, "high": 1}}, "empty: low=1 is not under high=1"),
    ({"optimizer.lr": {"low": 2, "high": 1}}, "empty: low=2 is not under high=1"),
    ({"optimizer.lr": {"low": 0, "high": 1, "log": True}}, "a log range, and low=0 is not above 0"),
    ({"optimizer.lr": {"low": 0, "hihg": 1}}, "'hihg' of optimizer.lr is no part of a range; did"),
    ({"optimizer.lr": {"low": 1e-3, "high": 1, "step": 2}}, "has step=2"),
    ({"norm": ["rmsnorm"]}, "must be two different choices or more"),
    ({"norm": ["rmsnorm", "rmsnorm"]}, "must be two different choices or more"),
    ({"optimizer.lrr": {"low": 0.1, "high": 1}}, "lrr"),
    ({"optmizer.lr": {"low": 0.1, "high": 1}}, "optmizer"),
    ({"+optmizer.lr": {"low": 0.1, "high": 1}}, "unknown key 'optmizer'"),
    ({"optimizer.lr": {"low": -1.0, "high": 1}}, "optimizer.lr=-1 is out of range"),
    ({"optimizer": {"adamw": {}, "mun": {}}}, "mun"),
    ({"model.layers": {"low": 1, "high": 2.5}}, "model.layers takes whole numbers"),
]


@pytest.mark.parametrize(("space", "said"), BAD, ids=[str(space)[:60] for space, _ in BAD])
def test_a_bad_space_is_refused_at_the_door(
    points: Callable[..., Points], space: Any, said: str
) -> None:
    with pytest.raises(Exception, match=said):  # Hydra's own errors become sentences at the door
        points(space)


@pytest.mark.parametrize(
    ("settings", "seeds", "evaluations", "said"),
    [
        ({"study": "../x"}, 3, 2, r"study=\.\./x is no name"),
        ({"study": "/tmp/x"}, 3, 2, "study=/tmp/x is no name"),
        ({"study": ".hidden"}, 3, 2, r"study=\.hidden is no name"),
        ({"study": ""}, 3, 2, "study= is no name"),
        ({"objectives": ("a", "a")}, 3, 2, "objectives"),
        ({"pruner": "wilcoxon"}, 2, 2, "wilcoxon has no values before the last of 2 seeds"),
        ({"pruner": "median"}, 3, 1, "median has no values inside a run"),
        ({"pruner": "hyperband", "objectives": ("val_loss", "seconds")}, 3, 2, "one objective"),
    ],
)
def test_a_bad_setting_is_named(
    settings: dict[str, Any], seeds: int, evaluations: int, said: str
) -> None:
    wanted = SearchSettings(space={}, **settings)

    def ask() -> str:
        wanted.check()
        return wanted.pruner_for(seeds, evaluations)

    with pytest.raises(AuditionError, match=said):
        ask()


def test_a_whole_setting_is_drawn_whole_and_a_real_one_is_not(
    points: Callable[..., Points],
) -> None:
    space = points(
        {"model.layers": {"low": 1, "high": 3}, "optimizer.weight_decay": {"low": 0, "high": 1}}
    ).space
    assert [part.among.whole for part in space] == [True, False]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("seed", "the seed is no setting to search"),
        ("paths.output_dir", "paths.output_dir decides no number of a run"),
        ("logger", "logger decides no number"),
        ("energy", "energy decides no number"),
        ("checkpoint.minutes", "checkpoint.minutes decides no number"),
        ("arm.name", "arm.name decides no number"),
        ("tune", "tune decides no number"),
        ("hydra.launcher.workers", "hydra.launcher.workers is Hydra's"),
        ("hydra/launcher", "hydra/launcher is Hydra's"),
        ("budget.steps", "budget.steps would compare runs of unlike length"),
        ("execution.threads", "computes with execution.threads=2 and the baseline with 1"),
        ("data.evaluation_tokens", "is evaluated on other held-out data"),
    ],
)
def test_what_is_no_setting_to_search_is_refused(
    points: Callable[..., Points], key: str, said: str
) -> None:
    with pytest.raises(AuditionError, match=said):
        points({key: ["128", "256"] if "tokens" in key else [1, 2]})


def test_what_every_trial_is_given_is_not_searched() -> None:
    check_unset("optimizer.lr", ("optimizer=muon", "optimizer.weight_decay=0"))
    for word in ("optimizer.lr=1", "+optimizer.lr=1"):
        with pytest.raises(AuditionError, match=r"optimizer\.lr=1 is set for every trial"):
            check_unset("optimizer.lr", ("optimizer=muon", word))


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        (("val_loss", "speed"), "names 'speed', which no run has"),
        (("val_los",), "names 'val_los', which no run has; did you mean 'val_loss'"),
        (("joules",), "names joules, and no meter reads them: choose one, energy=NAME"),
    ],
)
def test_an_objective_that_no_run_will_have_is_refused(
    points: Callable[..., Points], objectives: tuple[str, ...], said: str
) -> None:
    around = points({"optimizer.lr": [1e-3, 1e-2]})
    check_objectives(SearchSettings(space={}, objectives=("val_bpb_best", "seconds")), around)
    with pytest.raises(AuditionError, match=said):
        check_objectives(SearchSettings(space={}, objectives=objectives), around)

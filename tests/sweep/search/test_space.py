"""Spaces: what they hold, how a point of one is typed, and each mistake in its sentence."""

from collections.abc import Callable
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.sweep.search.space.points import Points, corners
from audition.sweep.search.space.space import Range, holds, overrides, read_space, typed
from audition.sweep.search.trials import grid
from audition.sweep.search.wanted import Wanted

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
        ({"sampler": "tpee"}, 3, 2, "sampler=tpee is unknown; did you mean 'tpe'"),
        ({"pruner": "medium"}, 3, 2, "pruner=medium is unknown"),
        ({"trials": 0}, 3, 2, "trials=0 must be 1 or more"),
        ({"objectives": ("a", "a")}, 3, 2, "objectives"),
        ({"pruner": "wilcoxon"}, 2, 2, "wilcoxon has no values before the last of 2 seeds"),
        ({"pruner": "median"}, 3, 1, "median has no values inside a run"),
        ({"pruner": "hyperband", "objectives": ("val_loss", "seconds")}, 3, 2, "one objective"),
    ],
)
def test_a_bad_setting_is_named(
    settings: dict[str, Any], seeds: int, evaluations: int, said: str
) -> None:
    wanted = Wanted(space={}, **settings)

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

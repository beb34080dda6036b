"""A command whose runs all diverge has no answer: a sentence says so, and the exit code is not 0."""

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from audition.config.root import conf_dir

WILD = ("optimizer=sgd", "optimizer.lr=1e30", "training.clip=null", "training.check_every=1")

COMMANDS = {
    "a single run": ((*WILD, "seed=1"), 1, "the run diverged: the loss was"),
    "a sweep": (
        (*WILD, "+idea=placebo", "seed=1,2", "-m"),
        1,
        "all 4 runs diverged, so there is nothing to compare; seed 1 of the baseline: the loss was",
    ),
    "seeds alone": ((*WILD, "seed=1,2", "-m"), 1, "all 2 runs diverged, so there is nothing"),
    "a baseline": (
        (*WILD, "optimizer.lr=1e30,1e-3", "baseline='optimizer.lr=1e31'", "seed=1", "-m"),
        1,
        "the baseline diverged, so there is nothing to compare; seed 1 of the baseline",
    ),
    "a race": (
        (*WILD, "hydra/sweeper=race", "hydra.sweeper.fresh_seeds=2", "+idea=placebo", "-m"),
        2,
        "the baseline diverged on 5 of 5 seeds, so no gain over it can be measured",
    ),
    "a fair fight": (
        (*WILD, "tune=optimizer.lr", "tuning.trials=3", "+idea=placebo", "seed=1,2", "-m"),
        1,
        "no setting of placebo finished on every seed, so there is no verdict",
    ),
}


SLOW = {"seeds alone", "a baseline"}
"""Which end as a sweep does."""


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        pytest.param(*told, id=name, marks=(pytest.mark.slow,) * (name in SLOW))
        for name, told in COMMANDS.items()
    ],
)
def test_what_diverged_ends_with_a_sentence_and_a_code(
    place: Any, words: Sequence[str], code: int, sentence: str
) -> None:
    for _ in range(2):  # found in the ledger, it is no answer either
        ended = place.train(*words)
        assert ended.returncode == code, ended.stderr
        assert sentence in ended.stderr
        assert "Traceback" not in ended.stderr
        assert set(place.statuses().values()) <= {"diverged", "finished"}


SEARCH = (
    "training.clip=null",
    "training.check_every=1",
    "hydra/sweeper=search",
    "hydra.sweeper.trials=3",
    "hydra.sweeper.sampler=grid",
    "seed=1",
)


def test_a_search_in_which_nothing_trains(place: Any) -> None:
    pytest.importorskip("optuna", reason="the extra `search` is not installed")
    space = "hydra.sweeper.space={optimizer.lr: [1e29, 1e30, 1e31]}"
    ended = place.train("optimizer=sgd", *SEARCH, space, "-m")
    assert ended.returncode == 1, ended.stderr
    assert "no trial came to a number: nothing in the space trains" in ended.stderr


@pytest.mark.parametrize("default", [True, False], ids=["tried", "outside the space"])
def test_the_best_trial_is_named_where_none_is_to_be_judged(place: Any, default: bool) -> None:
    pytest.importorskip("optuna", reason="the extra `search` is not installed")
    lr = yaml.safe_load((conf_dir() / "optimizer" / "adamw.yaml").read_text())["lr"]
    # In three steps twice the rate learns more.
    space = f"hydra.sweeper.space={{optimizer.lr: [{lr if default else 1e-6}, {2 * lr}]}}"
    ended = place.train(*SEARCH, space, "hydra.sweeper.candidates=0", "-m")
    assert ended.returncode == 0, ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert f"(optimizer.lr={2 * lr:g})" in last
    assert ("beat the default by 0." if default else "is the best of those tried") in last
    assert last.endswith("with hydra.sweeper.candidates=0 it was not judged on fresh ones.")
    assert "No trial beat" not in ended.stderr

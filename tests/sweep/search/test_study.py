"""How many trials are asked for, whoever asks, whatever becomes of them."""

from pathlib import Path

import optuna
import pytest

from audition.sweep.search.study.serving import seed_of, serving
from audition.sweep.search.study.storage import open_storage, prepare_optuna
from audition.sweep.search.study.study import Study, counts

LIMIT = 4


@pytest.fixture
def two(tmp_path: Path) -> list[Study]:
    """Two processes that serve one study."""
    prepare_optuna()
    served = []
    for server in ("one", "two"):
        storage = open_storage(None, tmp_path / "x.log")
        study = optuna.create_study(storage=storage, study_name="x", load_if_exists=True)
        served.append(Study(study, "x", LIMIT, tmp_path, server))
    return served


def test_a_study_ends_for_all_at_once(two: list[Study]) -> None:
    one, other = two
    trials = [one.ask(), other.ask(), other.ask(), one.ask()]
    assert [trial.number for trial in trials if trial] == [0, 1, 2, 3]
    for last in (2, 0):  # those that have ended are counted once, in whatever order they end
        assert one.ask() is None
        assert other.ask() is None
        one.study.tell(last, 1.0)
    assert one.ask() is None
    assert other.ask() is None
    assert other.past.asked_for == 1


def test_a_trial_too_many_is_surplus(two: list[Study], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two
    assert all(one.ask() for _ in range(LIMIT))
    # Both looked before either had asked.
    monkeypatch.setattr(Study, "_before", lambda study: (LIMIT - 1, False))
    assert other.ask() is None
    last = one.trials[LIMIT]
    assert (last.state.name, counts(last)) == ("FAIL", False)
    assert sum(map(counts, one.trials)) == LIMIT


def test_a_trial_that_was_lost_is_asked_for_again(two: list[Study]) -> None:
    one, other = two
    trials = [one.ask() for _ in range(LIMIT)]
    for number in (0, 1):
        one.study.tell(number, 1.0)
    assert other.ask() is None
    assert trials[2] is not None
    point = {"lr": trials[2].suggest_float("lr", 0.0, 1.0)}
    other.put_back(2, trials[2].params, {})
    again = one.ask()
    assert again is not None
    assert {"lr": again.suggest_float("lr", 0.0, 1.0)} == point
    assert other.ask() is None
    assert one.ask() is None
    assert one.past.asked_for == 2


def test_of_two_that_start_together_one_has_made_it(tmp_path: Path) -> None:
    prepare_optuna()
    asked = {"objectives": ["val_loss"]}
    storages = [open_storage(None, tmp_path / "x.log") for _ in range(2)]
    with (
        serving(storages[0], tmp_path / "s", "x", asked, LIMIT) as (one, made),
        serving(storages[1], tmp_path / "s", "x", asked, LIMIT) as (other, joined),
    ):
        assert (made, joined) == (True, False)
        seeds = [seed_of(7, study.server, first) for study, first in ((one, made), (other, joined))]
        assert seeds[0] == 7 != seeds[1]

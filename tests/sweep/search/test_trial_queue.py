"""Trials: who is first, what they cost, what is told of them, and whether the optimum is found."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from search_entries import BEST_LR

from audition.errors import AuditionError
from audition.records.studies import front_of
from audition.sweep.search.answer import candidates, run_of, screened

LR = {"optimizer.lr": {"low": 1e-4, "high": 0.4, "log": True}}
BOTH = {
    "optimizer": {
        "adamw": {"optimizer.lr": {"low": 1e-4, "high": 0.4, "log": True}},
        "muon": {"optimizer.lr": {"low": 1e-4, "high": 0.4, "log": True}},
    }
}
Search = Callable[..., Any]


def test_the_default_is_first_and_under_its_own_name(searched: Search) -> None:
    result = searched(LR, trials=3)
    assert result.trained[:3] == ["baseline seed 42", "baseline seed 137", "baseline seed 256"]
    first = result.study.trials[0]
    assert run_of(first) == {
        "overrides": [],
        "config_hash": result.points.baseline_hash,
        "arm": "baseline",
    }
    assert first.params == {"optimizer.lr": 0.004}
    assert json.loads(json.dumps(first.user_attrs["seeds"])).keys() == {"42", "137", "256"}


def test_the_planted_optimum_is_found_in_its_branch(searched: Search) -> None:
    result = searched(BOTH, trials=40)
    best = result.study.study.best_trial
    assert best.params["optimizer"] == "muon"
    assert abs(math.log10(best.params["optimizer.lr[optimizer=muon]"] / BEST_LR)) < 0.2
    found = candidates(result.study, result.points.start_hash, 2)
    assert found[0].number == best.number
    assert found[0].overrides[0] == "optimizer=muon"
    gains = screened(
        result.study, result.points.start_hash, (42, 137, 256), _ledger(result), "val_loss"
    )
    assert gains[found[0].config_hash].gain > 0.3
    assert gains[found[0].config_hash].believed <= gains[found[0].config_hash].gain


def test_worse_trials_are_given_up_between_two_seeds(searched: Search) -> None:
    result = searched(LR, trials=20)
    pruned = [t for t in result.study.trials if t.state.name == "PRUNED"]
    assert pruned
    assert all(len(t.user_attrs["seeds"]) == 2 for t in pruned)
    assert len(result.trained) == 3 * 20 - len(pruned)
    kept = searched(LR, name="all", trials=20, pruner="none")
    assert {t.state.name for t in kept.study.trials} == {"COMPLETE"}


def test_trials_that_were_given_up_say_how_good_trials_are(searched: Search) -> None:
    result = searched(LR, trials=9, known=("optimizer.lr=0.01",))
    whole = [t for t in result.study.trials if t.state.name == "COMPLETE"]
    assert len(whole) < 4  # too few to say anything of by themselves
    best = run_of(result.study.trials[1])["config_hash"]
    gains = screened(
        result.study, result.points.start_hash, (42, 137, 256), _ledger(result), "val_loss"
    )
    assert len(gains) == 8
    assert gains[best].gain == max(each.gain for each in gains.values())
    assert 0 < gains[best].believed < gains[best].gain


def test_the_default_is_never_given_up(searched: Search) -> None:
    # As after its process was killed: its point comes again when better ones are known.
    known = ("optimizer.lr=0.01", "optimizer.lr=0.001")
    result = searched(LR, trials=3, known=known, default_last=True)
    worse, best, default = result.study.trials
    assert (worse.state.name, best.state.name) == ("COMPLETE", "COMPLETE")
    assert default.state.name == "COMPLETE"
    assert default.values[0] > best.values[0]
    found = candidates(result.study, result.points.start_hash, 5)
    assert [c.number for c in found] == [best.number]


def test_the_ledger_serves_what_it_has(searched: Search) -> None:
    first = searched(LR, trials=6, sampler="random")
    again = searched(LR, name="other", trials=6, sampler="random")
    assert [t.params for t in again.study.trials] == [t.params for t in first.study.trials]
    assert again.trained == []


def test_a_study_goes_on_where_it_stood(searched: Search) -> None:
    searched(LR, trials=4)
    more = searched(LR, trials=7)
    assert len(more.study.trials) == 7
    assert "baseline seed 42" not in more.trained
    with pytest.raises(AuditionError, match="study 'study' was begun with another space"):
        searched(BOTH, trials=7)


def test_known_points_follow_the_default(searched: Search) -> None:
    result = searched(LR, trials=3, known=("optimizer.lr=0.02",))
    assert run_of(result.study.trials[1])["overrides"] == ["optimizer.lr=0.02"]
    with pytest.raises(AuditionError, match=r"optimizer\.lr=0\.9 lies outside the space"):
        searched(LR, name="x", trials=3, known=("optimizer.lr=0.9",))


def test_a_diverged_trial_is_worse_than_any_number(searched: Search) -> None:
    space = {"optimizer.lr": [0.004, 0.9]}
    result = searched(space, trials=2, known=("optimizer.lr=0.9",))
    default, wild = result.study.trials
    assert wild.values == [math.inf]
    assert wild.user_attrs["diverged"] == 42
    assert candidates(result.study, result.points.start_hash, 2) == ()
    assert default.values[0] < 3


def test_a_failed_trial_is_a_failure_and_no_value(searched: Search) -> None:
    space = {"training.clip": [1.0, 7.0]}
    result = searched(space, trials=2, known=("training.clip=7.0",))
    failed = result.study.trials[1]
    assert (failed.state.name, failed.values) == ("FAIL", None)
    assert "the card burnt" in failed.user_attrs["reason"]


def test_an_objective_that_no_record_has(searched: Search) -> None:
    with pytest.raises(AuditionError, match="no objective 'val_los'; did you mean 'val_loss'"):
        searched(LR, trials=2, objectives=("val_los",))
    said = "baseline seed 42 has no objective 'joules'; choose from: .*units, .*val_loss"
    for name in ("trained", "served"):
        with pytest.raises(AuditionError, match=said):
            searched(LR, name=name, trials=2, objectives=("joules",))
    other = searched(LR, name="other", trials=1)
    assert other.trained == ["baseline seed 137", "baseline seed 256"]  # what was made is kept


def test_two_objectives_have_a_front(searched: Search) -> None:
    # Seconds fall with the rate, the loss is least at 0.01: what is under that is on no front.
    result = searched(LR, trials=12, objectives=("val_loss", "seconds"), sampler="random")
    whole = [t for t in result.study.trials if t.state.name == "COMPLETE"]
    front = [whole[place] for place in front_of([t.values for t in whole])]
    rates = sorted(t.params["optimizer.lr"] for t in front)
    assert 1 <= len(front) < 12
    assert rates[0] > 0.002
    for candidate in candidates(result.study, result.points.start_hash, 2):
        assert candidate.number in {t.number for t in front}


@pytest.mark.parametrize("sampler", ["random", "qmc", "nsga2", "grid"])
def test_every_sampler_asks_for_its_trials(searched: Search, sampler: str) -> None:
    result = searched(LR, trials=6, sampler=sampler, pruner="none")
    assert len({t.params["optimizer.lr"] for t in result.study.trials}) == 6
    assert {t.state.name for t in result.study.trials} == {"COMPLETE"}


def test_a_gaussian_process_finds_the_planted_optimum(searched: Search) -> None:
    wide = {"optimizer.lr": {"low": 1e-4, "high": 0.9, "log": True}}
    result = searched(wide, trials=15, sampler="gp", pruner="none", known=("optimizer.lr=0.8",))
    assert result.study.trials[1].values == [math.inf]
    modelled = [abs(math.log10(t.params["optimizer.lr"] / BEST_LR)) for t in result.study.trials]
    assert min(modelled[-3:]) < 0.15
    assert max(modelled[-3:]) < 0.6


def _ledger(result: Any) -> Any:
    from audition.records.store import Ledger

    return Ledger(result.points.output_dir)

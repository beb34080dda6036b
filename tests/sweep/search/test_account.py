"""The account of a real study says what the study and the ledger say, without Optuna too."""

import json
import math
import sys
from collections.abc import Callable
from typing import Any

import optuna
import pytest

from audition.errors import AuditionError
from audition.records.store import Ledger
from audition.records.studies import STUDIES, Account
from audition.sweep.search.account.account import account_of
from audition.sweep.search.account.importance import FEWEST, importances_of
from audition.sweep.search.account.look import account_named, accounted, accounts, live
from audition.sweep.search.study.storage import journal_of, open_storage

Search = Callable[..., Any]
LR = {"optimizer.lr": {"low": 1e-4, "high": 0.4, "log": True}}
WILD = {"optimizer.lr": {"low": 1e-4, "high": 0.9, "log": True}}
BOTH = {
    "optimizer": {
        "adamw": {**LR, "optimizer.weight_decay": {"low": 0.0, "high": 0.5}},
        "muon": LR,
    }
}


def seen(result: Any) -> tuple[Account, Ledger]:
    ledger = Ledger(result.points.output_dir)
    return account_of(result.study.study, ledger), ledger


def test_every_trial_is_told_as_it_was(searched: Search) -> None:
    result = searched(LR, trials=12)
    account, ledger = seen(result)
    frozen = result.study.trials
    assert (account.name, account.objectives, account.seeds) == (
        "study",
        ("val_loss",),
        (42, 137, 256),
    )
    words = {"COMPLETE": "whole", "PRUNED": "given up"}
    assert [t.state for t in account.trials] == [words[t.state.name] for t in frozen]
    assert {t.state for t in account.trials} == {"whole", "given up"}
    assert [dict(t.params) for t in account.trials] == [t.params for t in frozen]
    assert [t.is_default for t in account.trials] == [True] + [False] * 11
    for trial, other in zip(account.trials, frozen, strict=True):
        assert list(trial.values) == (other.values if trial.state == "whole" else [])
        for seed, (loss,) in trial.seeds.items():
            record = ledger.get(ledger.folder(trial.arm, trial.config_hash, seed))
            assert record is not None
            assert record.metrics["val_loss"] == loss
        assert list(trial.overrides) == other.user_attrs["run"]["overrides"]
        assert trial.started <= trial.ended
    assert account.runs == len(result.trained)
    assert account.best(1)[0].number == result.study.study.best_trial.number
    (parameter,) = account.parameters
    assert (parameter.low, parameter.high, parameter.log) == (1e-4, 0.4, True)
    assert STUDIES.decode(json.dumps(account.to_dict(), allow_nan=False)) == account


def test_a_diverged_trial_keeps_the_seeds_it_had(searched: Search) -> None:
    result = searched(WILD, trials=3, known=("optimizer.lr=0.8",), pruner="none")
    account, _ = seen(result)
    ill = account.trials[1]
    assert (ill.state, ill.values, dict(ill.seeds)) == ("diverged", (math.inf,), {42: (math.inf,)})
    assert account.runs == 3 + 1 + 3
    assert STUDIES.decode(json.dumps(account.to_dict(), allow_nan=False)) == account


def test_failures_lost_trials_and_those_under_way(searched: Search) -> None:
    result = searched({"training.clip": [1.0, 7]}, trials=2)
    study = result.study.study
    study.ask().set_user_attr("server", "gone")
    lost = study.ask()
    lost.set_user_attr("lost", True)
    study.tell(lost, state=optuna.trial.TrialState.FAIL)
    study.enqueue_trial({"training.clip": 1.0})
    account, _ = seen(result)
    told = {t.number: t.state for t in account.trials}
    assert told == {0: "whole", 1: "failed", 2: "under way", 4: "waiting"}
    assert "the card burnt" in account.trials[1].reason
    assert account.parameters[0].choices == (1.0, 7)


def test_branches_keep_their_names(searched: Search) -> None:
    account, _ = seen(searched(BOTH, trials=14, pruner="none"))
    found = {(p.key, p.branch) for p in account.parameters}
    assert found == {
        ("optimizer", ""),
        ("optimizer.lr", "optimizer=adamw"),
        ("optimizer.weight_decay", "optimizer=adamw"),
        ("optimizer.lr", "optimizer=muon"),
    }
    assert {each.among for each in account.importances} == {"optimizer=adamw", "optimizer=muon"}
    assert sum(each.trials for each in account.importances) == 14


def planted(many: int, seed: int = 3) -> list[tuple[Any, list[float]]]:
    """Random trials whose value hangs on `a` alone; from a = 0.9 up they diverge."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))

    def objective(trial: Any) -> float:
        a = trial.suggest_float("a", 0.0, 1.0)
        trial.suggest_float("b", 0.0, 1.0)
        trial.suggest_categorical("c", [None, True, "x"])
        return math.inf if a > 0.9 else (a - 0.3) ** 2

    study.optimize(objective, n_trials=many)
    return [(t, t.values) for t in study.trials]


def test_what_matters_has_the_largest_share() -> None:
    (found,) = importances_of(planted(40), ["val_loss"])
    assert next(iter(found.shares)) == "a"
    assert found.shares["a"] > 0.6
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert (found.trials, found.why_none) == (40, "")


def test_without_enough_there_are_no_shares_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (few,) = importances_of(planted(FEWEST - 1), ["val_loss"])
    assert (few.shares, few.why_none) == ({}, "fewer than 10")
    same = [(t, [1.0]) for t, _ in planted(FEWEST) for _ in range(1)]
    one = planted(FEWEST)[:1] * FEWEST
    assert importances_of(one, ["val_loss"])[0].why_none == "fewer than two parameters varied"
    assert importances_of([], ["val_loss"]) == ()

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(optuna.importance.PedAnovaImportanceEvaluator, "evaluate", broken)
    (failed,) = importances_of(same, ["val_loss"])
    assert (failed.shares, failed.why_none) == ({}, "the evaluator failed: no luck")


def test_the_account_is_filed_however_the_search_ends(
    searched: Search, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = searched(LR, trials=2)
    ledger = Ledger(result.points.output_dir)
    with pytest.raises(KeyboardInterrupt), accounted(ledger, "study", None):
        raise KeyboardInterrupt
    (filed,), unread = STUDIES.read(ledger.root)
    assert not unread
    assert filed.journal_bytes == journal_of(ledger.root, "study").stat().st_size
    assert len(filed.trials) == 2
    with accounted(ledger, "never begun", None):
        pass
    assert len(STUDIES.read(ledger.root)[0]) == 1

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audition.records.folder.write_file", full)
    with pytest.raises(ValueError, match="what ended it"), accounted(ledger, "study", None):
        raise ValueError("what ended it")
    assert "no account of study 'study'" in capsys.readouterr().err


def test_a_journal_that_went_on_is_read_and_a_settled_one_is_not(
    searched: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(searched(LR, trials=2).points.output_dir)
    with accounted(ledger, "study", None):
        pass
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "optuna", None)  # as where it is not installed
        assert len(accounts(ledger)[0].trials) == 2
    searched(LR, trials=3)
    assert len(accounts(ledger)[0].trials) == 3
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert len(account_named(ledger, "stu").trials) == 2  # the last that was filed


def test_without_optuna_a_study_without_an_account_is_left_out(
    searched: Search, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(searched(LR, trials=1).points.output_dir)
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert accounts(ledger) == ()
    assert "pip install 'audition[search]'" in capsys.readouterr().err


def test_studies_of_others_are_not_ours(searched: Search) -> None:
    result = searched(LR, trials=1)
    ledger = Ledger(result.points.output_dir)
    storage = open_storage(None, journal_of(ledger.root, "theirs"))
    optuna.create_study(storage=storage, study_name="theirs")
    assert [each.name for each in accounts(ledger)] == ["study"]
    assert live(ledger, "theirs") is None
    with pytest.raises(AuditionError, match=r"no study 'theirs' in .*; choose from: study"):
        account_named(ledger, "theirs")


def test_a_name_may_be_begun_if_it_is_one(searched: Search) -> None:
    ledger = Ledger(searched(LR, trials=1, name="lr-1").points.output_dir)
    searched(LR, trials=1, name="lr-2")
    assert account_named(ledger, "lr-1").name == "lr-1"
    with pytest.raises(AuditionError, match=r"'lr' begins the names of 2 studies: lr-1, lr-2"):
        account_named(ledger, "lr")


def test_a_database_is_read_by_its_url(searched: Search, tmp_path: Any) -> None:
    pytest.importorskip("sqlalchemy")
    ledger = Ledger(searched(LR, trials=2).points.output_dir)
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    open_storage(url, tmp_path)
    optuna.copy_study(
        from_study_name="study",
        from_storage=open_storage(None, journal_of(ledger.root, "study")),
        to_storage=url,
    )
    (found,) = accounts(ledger, url)
    assert found.journal_bytes is None
    assert found.trials == account_named(ledger, "study").trials

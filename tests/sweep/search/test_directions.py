"""A search of a task whose metric is better when higher: what is told, who is best, what is pruned."""

import json
import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from search_entries import BEST_LR, planted

from audition.answers.searches import rows
from audition.records.store import Ledger
from audition.sweep.search.account.account import account_of
from audition.sweep.search.answer import candidates, screened
from audition.sweep.search.make_trials import objectives_of
from audition.sweep.search.objective import values_of
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.study.pruning import Open, Pruning

LR = {"optimizer.lr": {"low": 1e-3, "high": 0.1, "log": True}}


@pytest.fixture
def common(tmp_path: Path, cache_dir: str) -> tuple[str, ...]:
    return (
        "experiment=digits",
        f"paths.output_dir={tmp_path / 'ledger'}",
        f"paths.cache_dir={cache_dir}",
    )


def test_the_best_accuracy_is_the_best_trial(searched: Callable[..., Any]) -> None:
    result = searched(LR, trials=8, sampler="random", known=("optimizer.lr=0.0101",))
    assert result.study.study.best_trial.number == 1
    ledger, start = Ledger(result.points.output_dir), result.points.start_hash
    found = candidates(result.study, start, 2)
    settings = result.points.runs(("optimizer.lr=0.0101",))[0].settings
    mean = sum(100.0 - planted(settings, seed) for seed in result.points.seeds) / 3
    assert found[0].number == 1
    assert found[0].values == pytest.approx((-mean,))
    gains = screened(result.study, start, result.points.seeds, ledger, "val_accuracy")
    assert gains[found[0].config_hash].gain > 0.05
    assert f"optimizer.lr=0.0101: {mean:.4f}" in result.said[1]  # told as an accuracy

    account = account_of(result.study.study, ledger)
    table = {row[0]: row for row in rows(account)}
    assert account.measure("val_accuracy").better == "higher"
    assert table["1"][2] == f"{mean:.2f}"
    assert table["1"][3].startswith("+")
    rates = {t.number: t.params["optimizer.lr"] for t in account.whole}
    nearest = min(rates, key=lambda n: abs(math.log10(rates[n] / BEST_LR)))
    assert account.whole[0].number == nearest


def test_the_tasks_metric_is_the_objective_unless_another_is_named(
    points: Callable[..., Points],
) -> None:
    own = points(LR)
    assert objectives_of(SearchSettings(space=LR), own) == ("val_accuracy",)
    assert objectives_of(SearchSettings(space=LR, objectives=("val_loss",)), own) == ("val_loss",)
    assert points(LR, "metric=val_loss").metric == "val_loss"


def test_metrics_are_objectives_as_losses_and_no_number_is_the_worst(
    points: Callable[..., Points],
) -> None:
    begun = points(LR).runs(())[0].record
    record = begun.ended("finished", metrics={"val_accuracy": 97.5, "val_loss": 0.1}, seconds=3.0)
    names = ("val_accuracy", "val_loss", "seconds")
    assert values_of(record, names) == (-97.5, 0.1, 3.0)
    broken = replace(record, metrics={"val_accuracy": math.nan, "val_loss": 0.1})
    assert values_of(broken, names[:2]) == (math.inf, 0.1)


def test_the_pruner_is_shown_evaluations_as_losses(
    points: Callable[..., Points], tmp_path: Path
) -> None:
    class Told:
        def __init__(self) -> None:
            self.values: list[float] = []

        def report(self, value: float, step: int) -> None:
            self.values.append(value)

        def should_prune(self) -> bool:
            return self.values[-1] > -60.0

    run = points(LR).runs(())[0]
    lines = [
        {"step": 10, "units": 640, "train/loss": 1.0},
        {"step": 10, "units": 640, "val/accuracy": 70.0, "val/loss": 0.9},
    ]
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    told = Told()
    entry = Open(cast(Any, told), (), deque(), 3)
    pruning = Pruning((42, 137, 256), inside=4, prunes=True, metric="val_accuracy")
    assert not pruning.at_evaluation(entry, run, tmp_path)
    file.write_text(file.read_text() + '{"step": 20, "units": 1280, "val/accuracy": 50.0}\n')
    assert pruning.at_evaluation(entry, run, tmp_path)
    assert told.values == [-70.0, -50.0]

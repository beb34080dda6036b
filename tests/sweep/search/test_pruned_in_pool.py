"""A real run that the pruner ends, in a real pool."""

from collections.abc import Callable
from typing import Any

from audition.records.store import Ledger
from audition.sweep.executors import LocalExecutor
from audition.sweep.local import PRELOAD
from audition.sweep.pool import PoolSettings, warm
from audition.sweep.search.make_trials import make_trials
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points

LR = {"optimizer.lr": {"low": 1e-4, "high": 0.9, "log": True}}


def test_a_real_run_is_ended_in_the_pool(points: Callable[..., Points]) -> None:
    steps = 120
    own = points(LR, f"budget.steps={steps}", "training.evaluations=2", seeds=(42, 137))
    wanted = SearchSettings(space=LR, trials=2, pruner="hyperband", known=("optimizer.lr=0.0001",))
    settings = PoolSettings(workers=1, preload=PRELOAD, entry="audition.training.run:work")
    with warm(settings) as server:
        # Trials race within a bracket, which hyperband draws from this name: it puts both in one.
        study = make_trials(wanted, own, "inside-0", LocalExecutor(lambda runs: settings, server))
    default, slow = study.trials
    assert default.state.name == "COMPLETE"
    assert slow.state.name == "PRUNED"
    ledger = Ledger(own.output_dir)
    assert default.intermediate_values.keys() == {1, 2, 3, 4}
    assert default.intermediate_values[4] == _record(ledger, 137, default).metrics["val_loss"]
    ended = _record(ledger, 42, slow)
    assert ended.status == "interrupted"
    assert steps // 2 <= ended.steps < steps
    assert slow.intermediate_values.keys() == {1}


def _record(ledger: Ledger, seed: int, trial: Any) -> Any:
    wanted = trial.user_attrs["run"]["config_hash"]
    return next(r for r in ledger.read().records if (r.config_hash, r.seed) == (wanted, seed))

"""From a study of Optuna's to its plain account in the ledger, which is read without Optuna."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audition.measure import Measure
from audition.records.record import LANGUAGE, now
from audition.records.store import Ledger
from audition.records.studies import Account, Parameter, State, Trial
from audition.sweep.search.account.importance import importances_of
from audition.sweep.search.objective import values_of, worst
from audition.sweep.search.study.serving import ASKED
from audition.sweep.search.study.study import counts, finite

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


def account_of(study: "optuna.Study", ledger: Ledger, journal_bytes: int | None = None) -> Account:
    """What came of the study so far; the runs are in `ledger`."""
    asked = study.user_attrs[ASKED]
    objectives = tuple(asked["objectives"])
    seeds = tuple(asked["seeds"])
    frozen = [t for t in study.get_trials(deepcopy=False) if counts(t)]
    trials = tuple(_trial(t, asked["default"], objectives, seeds, ledger) for t in frozen)
    ranked = [
        (each, [_or_worst(trial.mean(k)) for k in range(len(objectives))])
        for each, trial in zip(frozen, trials, strict=True)
        if trial.state in ("whole", "given up", "diverged")
    ]
    return Account(
        name=study.study_name,
        objectives=objectives,
        seeds=seeds,
        parameters=_parameters(frozen),
        trials=trials,
        importances=importances_of(ranked, objectives),
        written=now(),
        measures=LANGUAGE
        if (told := study.user_attrs.get("measures")) is None
        else {name: Measure(**how) for name, how in told.items()},
        journal_bytes=journal_bytes,
    )


def _trial(
    trial: "FrozenTrial",
    default: str,
    objectives: tuple[str, ...],
    seeds: Sequence[int],
    ledger: Ledger,
) -> Trial:
    attrs = trial.user_attrs
    run: dict[str, Any] = dict(attrs.get("run", {}))
    state = _state(trial)
    told = {int(seed): tuple(each) for seed, each in attrs.get("seeds", {}).items()}
    values = tuple(trial.values or ()) if state == "whole" else ()
    return Trial(
        number=trial.number,
        state=state,
        params=dict(trial.params),
        overrides=tuple(run.get("overrides", attrs.get("typed", ()))),
        values=tuple(worst(objectives)) if state == "diverged" else values,
        seeds=told or _ended(run, seeds, objectives, ledger),
        arm=run.get("arm", ""),
        config_hash=run.get("config_hash", ""),
        is_default=run.get("config_hash") == default,
        reason=attrs.get("reason", ""),
        started=trial.datetime_start.isoformat() if trial.datetime_start else "",
        ended=trial.datetime_complete.isoformat() if trial.datetime_complete else "",
    )


def _state(trial: "FrozenTrial") -> State:
    if trial.state.name == "COMPLETE":
        return "diverged" if "diverged" in trial.user_attrs or not finite(trial) else "whole"
    words: dict[str, State] = {"PRUNED": "given up", "RUNNING": "under way", "WAITING": "waiting"}
    return words.get(trial.state.name, "failed")


def _ended(
    run: dict[str, Any], seeds: Sequence[int], objectives: tuple[str, ...], ledger: Ledger
) -> dict[int, tuple[float, ...]]:
    """Seed -> objectives of those runs of a trial that the ledger has an outcome of."""
    found: dict[int, tuple[float, ...]] = {}
    for seed in seeds if run else ():
        record = ledger.get(ledger.folder(run["arm"], run["config_hash"], seed))
        if record is not None and record.status == "diverged":
            found[seed] = tuple(worst(objectives))
        elif record is not None and record.status == "finished":
            found[seed] = values_of(record, objectives)
    return found


def _or_worst(value: float | None) -> float:
    return math.inf if value is None else value


def _parameters(trials: "Sequence[FrozenTrial]") -> tuple[Parameter, ...]:
    """Every parameter in the order of its first trial, the branches of a fork one after another."""
    found: dict[str, Parameter] = {}
    for trial in trials:
        for name, among in trial.distributions.items():
            if name not in found:
                options = tuple(getattr(among, "choices", ()))
                low, high = getattr(among, "low", None), getattr(among, "high", None)
                log = bool(getattr(among, "log", False))
                found[name] = Parameter(name=name, low=low, high=high, log=log, choices=options)
    return tuple(found.values())

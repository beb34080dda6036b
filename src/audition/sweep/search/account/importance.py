"""Which parameters mattered: PED-ANOVA (Watanabe, Bansal & Hutter 2023) over trials that share them.

Where a space forks, each branch is a space of its own: a parameter that a trial does not have says
nothing about it. The method asks only which trials are the best ones, so that a trial that was given
up counts with the seeds it had, and one that diverged as the worst.
"""

import inspect
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audition.records.studies import Importance, Parameter

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

Ranked = Sequence[tuple["FrozenTrial", Sequence[float]]]
"""Trials that have ended, each with what its objectives are ranked by."""

FEWEST = 10
"""Trials from which shares are told."""
AMONG_BEST = 5
"""Trials that count as the best, or a tenth where that is more; with fewer the shares are unsteady."""


def importances_of(ranked: Ranked, objectives: Sequence[str]) -> tuple[Importance, ...]:
    """The shares of each objective, for each set of parameters that trials have in common."""
    sets = dict.fromkeys(tuple(sorted(trial.params)) for trial, _ in ranked)
    return tuple(
        _shares([pair for pair in ranked if tuple(sorted(pair[0].params)) == names], index, name)
        for index, name in enumerate(objectives)
        for names in sets
    )


def _shares(ranked: Ranked, index: int, objective: str) -> Importance:
    """The shares among trials that all have the same parameters."""
    names = list(ranked[0][0].params)
    branches = dict.fromkeys(Parameter(name=name).branch for name in names)
    free = [name for name in names if len({str(t.params[name]) for t, _ in ranked}) > 1]
    shares: dict[str, float] = {}
    if len(ranked) < FEWEST:
        why = f"fewer than {FEWEST}"
    elif len(free) < 2:
        why = "fewer than two parameters varied"
    else:
        why = "no parameter sets the best trials apart"
        try:
            shares = _evaluated(ranked, free, index)
        except Exception as error:  # an evaluator is no reason to go without an account
            why = f"the evaluator failed: {error}"
    return Importance(
        objective=objective,
        among=", ".join(filter(None, branches)),
        trials=len(ranked),
        shares=shares,
        why_none="" if shares else why,
    )


def _evaluated(ranked: Ranked, names: Sequence[str], index: int) -> dict[str, float]:
    """Parameter -> share, the largest first; empty where none stands out."""
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(storage=optuna.storages.InMemoryStorage())
        for rank, (trial, _) in enumerate(sorted(ranked, key=lambda pair: pair[1][index])):
            study.add_trial(
                optuna.trial.create_trial(
                    params={name: trial.params[name] for name in names},
                    distributions={name: trial.distributions[name] for name in names},
                    value=float(rank),
                )
            )
        # The share that counts as the best has another name in older releases.
        settings = inspect.signature(PedAnovaImportanceEvaluator).parameters
        share = "target_quantile" if "target_quantile" in settings else "baseline_quantile"
        chosen = {share: max(0.1, AMONG_BEST / len(ranked))}
        evaluator = PedAnovaImportanceEvaluator(**chosen)  # type: ignore[arg-type]
        found = evaluator.evaluate(study, params=list(names))
    total = sum(found.values())
    best_first = sorted(found.items(), key=lambda item: -item[1])
    return {name: value / total for name, value in best_first} if total > 0 else {}

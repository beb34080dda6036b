"""Samplers and pruners by name, as Optuna has them; imported when a search begins."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.space import PARTS, Choices, Dimension, Fork, Value

if TYPE_CHECKING:
    import optuna
    from optuna.trial import Trial

STARTUP = 10
"""Trials drawn at random before a model of the objective is trusted."""


def sampler_of(settings: SearchSettings, seed: int) -> "optuna.samplers.BaseSampler":
    """The sampler, seeded.

    Of two processes that serve one study each needs a seed of its own, or both draw the same points;
    a quasi-random sequence is the exception: its processes share one, and each takes its turn.
    """
    from optuna import samplers

    several = len(settings.objectives or ()) > 1
    match settings.sampler:
        case "tpe":
            # `group` models one branch of a fork at a time, and costs a look at every trial.
            return samplers.TPESampler(
                seed=seed,
                multivariate=True,
                group=_forked(settings.space or {}),
                constant_liar=True,
                n_startup_trials=STARTUP,
            )
        case "qmc":
            return samplers.QMCSampler(
                seed=settings.sampler_seed,
                scramble=True,
                warn_independent_sampling=False,
                warn_asynchronous_seeding=False,
            )
        case "gp":
            return samplers.GPSampler(
                seed=seed, n_startup_trials=STARTUP, warn_independent_sampling=False
            )
        case "nsga2":
            population = max(4, min(50, settings.trials // (4 if several else 5)))
            return samplers.NSGAIISampler(seed=seed, population_size=population)
        case _:  # the points of a grid are all enqueued, so that none is left to draw
            return samplers.RandomSampler(seed=seed)


def _forked(space: Mapping[str, Any]) -> bool:
    """Whether a choice in the space, as its config describes it, has a space of its own."""
    return any(
        isinstance(part, Mapping) and not part.keys() & set(PARTS) for part in space.values()
    )


def pruner_of(name: str, prune_p: float, steps: int) -> "optuna.pruners.BasePruner":
    """The pruner; `steps` intermediate values make a whole trial.

    Wilcoxon's test of three seeds has p of at least 1/8, and of two 1/4: below 1/4 it never prunes
    a trial of three seeds.
    """
    from optuna import pruners

    match name:
        case "wilcoxon":
            return pruners.WilcoxonPruner(p_threshold=prune_p)
        case "median":
            return pruners.MedianPruner(n_startup_trials=5)
        case "hyperband":
            return pruners.HyperbandPruner(
                min_resource=1, max_resource=max(2, steps), reduction_factor=min(3, max(2, steps))
            )
        case _:
            return pruners.NopPruner()


def grid_values(low: float, high: float, log: bool, points: int = 5) -> list[float]:
    """`points` numbers from low to high, evenly spread on their scale."""
    share = [i / (points - 1) for i in range(points)]
    spread = [low * (high / low) ** s if log else low + s * (high - low) for s in share]
    return [low, *spread[1:-1], high]  # rounding must not leave the range


def pick_from(trial: "Trial", part: Dimension | Fork) -> Value:
    """The value that a trial suggests for a part of the space."""
    among = part.among
    if isinstance(among, Choices):
        value: Value = trial.suggest_categorical(part.name, list(among.values))
    elif among.whole:
        value = trial.suggest_int(
            part.name, int(among.low), int(among.high), step=int(among.step or 1), log=among.log
        )
    else:
        value = trial.suggest_float(
            part.name, among.low, among.high, step=among.step, log=among.log
        )
    return value

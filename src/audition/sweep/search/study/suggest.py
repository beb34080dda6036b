"""The value that a trial of Optuna's suggests for a part of the space."""

from typing import TYPE_CHECKING

from audition.sweep.search.space.space import Choices, Dimension, Fork, Value

if TYPE_CHECKING:
    from optuna.trial import Trial


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

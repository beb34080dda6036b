"""A study that several processes serve: asked, told, and rid of what a dead process left open.

Optuna's trial is the unit. `lost` trials are those whose process ended under them: they are failed,
their points put back in the queue, and what their finished seeds cost is served by the ledger.
"""

import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from audition.errors import AuditionError
from audition.ledger.claim import held, take
from audition.sweep.search.space import Choices, Dimension, Fork, Value
from audition.sweep.search.storage import close, prepare_optuna

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

ASKED = "asked"
"""Attribute of a study: what was asked for, by which it is known to be the same."""
_UNNAMED_S = 10.0


@dataclass(frozen=True)
class Study:
    """One study, as this process serves it."""

    study: "optuna.Study"
    name: str
    limit: int  # trials in all
    folder: Path  # where the processes that serve it are known
    server: str  # this process

    @property
    def trials(self) -> "list[FrozenTrial]":
        """All trials, in their order; to look at."""
        return self.study.get_trials(deepcopy=False)

    def ask(self) -> "Trial | None":
        """The next trial; None where all have been asked for."""
        from optuna.trial import TrialState

        before = [t for t in self.trials if counts(t)]
        waiting = any(t.state == TrialState.WAITING for t in before)
        if len(before) >= self.limit and not waiting:
            return None
        trial = self.study.ask()
        trial.set_user_attr("server", self.server)
        # Two processes may have asked for the last one at the same time: the first has it.
        late = trial.number >= self.limit
        if late and sum(counts(t) for t in self.trials[: trial.number]) >= self.limit:
            trial.set_user_attr("surplus", True)
            self.study.tell(trial, state=TrialState.FAIL)
            return None
        return trial

    def waiting(self) -> bool:
        """Whether a point is queued that nobody has taken."""
        from optuna.trial import TrialState

        return any(t.state == TrialState.WAITING for t in self.trials)

    def open_elsewhere(self) -> "list[FrozenTrial]":
        """Trials that other living processes have under way; those of dead ones are put back."""
        from optuna.trial import TrialState

        others = []
        for trial in self.trials:
            server = trial.user_attrs.get("server")
            if trial.state != TrialState.RUNNING or server == self.server:
                continue
            if held(self.folder / server) if server else _young(trial):
                others.append(trial)
            else:
                self.put_back(trial.number, trial.params, trial.user_attrs)
                if server:
                    shutil.rmtree(self.folder / server, ignore_errors=True)
        return others

    def put_back(self, number: int, params: Mapping[str, Any], attrs: Mapping[str, Any]) -> None:
        """Fail a trial that nobody goes on with, and queue its point; only one process succeeds."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        try:
            trial_id = self.trials[number]._trial_id
            self.study._storage.set_trial_user_attr(trial_id, "lost", True)
            self.study.tell(number, state=TrialState.FAIL)
        except (UpdateFinishedTrialError, ValueError):
            return
        if params or "typed" in attrs:
            kept = {"typed": attrs["typed"]} if "typed" in attrs else {}
            self.study.enqueue_trial(dict(params), user_attrs=kept)


def _young(trial: "FrozenTrial") -> bool:
    """Whether a trial that nobody has put a name to may have been asked for just now."""
    start = trial.datetime_start
    return start is not None and (datetime.now() - start).total_seconds() < _UNNAMED_S


def counts(trial: "FrozenTrial") -> bool:
    """Whether the trial is one of those that were asked for."""
    return not (trial.user_attrs.get("lost") or trial.user_attrs.get("surplus"))


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


@contextmanager
def serving(
    storage: "BaseStorage",
    folder: Path,
    name: str,
    asked: Mapping[str, Any],
    limit: int,
) -> Iterator[tuple[Study, bool]]:
    """The study of that name, made where there is none (then True), for as long as it is served.

    Raises AuditionError where the study is another's: made for another question than `asked`.
    """
    prepare_optuna()
    import optuna

    directions = [optuna.study.StudyDirection.MINIMIZE for _ in asked["objectives"]]
    try:
        study = optuna.create_study(
            storage=storage, study_name=name, directions=directions, load_if_exists=True
        )
    except (KeyError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise AuditionError(f"study '{name}' cannot be read: {why}") from None
    if study.directions != directions:
        made = ", ".join(d.name.lower() for d in study.directions)
        raise AuditionError(
            f"study '{name}' has other objectives ({made}) than {', '.join(asked['objectives'])} "
            "made small: choose another hydra.sweeper.study"
        )
    before = study.user_attrs.get(ASKED)
    if before is None and study.get_trials(deepcopy=False):
        raise AuditionError(
            f"study '{name}' was made by another program: choose another hydra.sweeper.study"
        )
    if before is not None and dict(before) != dict(asked):
        changed = ", ".join(key for key in asked if before.get(key) != asked[key])
        raise AuditionError(
            f"study '{name}' was begun with another {changed}: choose another hydra.sweeper.study"
        )
    server = token_hex(8)
    try:
        with take_place(folder / server):
            yield Study(study, name, limit, folder, server), before is None
    finally:
        close(storage)


@contextmanager
def take_place(folder: Path) -> Iterator[None]:
    """Be known as alive to whoever serves the same study, wherever it runs."""
    claim = take(folder)
    try:
        yield
    finally:
        claim.release()
        shutil.rmtree(folder, ignore_errors=True)


def finite(trial: "FrozenTrial") -> bool:
    """Whether every objective of a trial came to a number."""
    return bool(trial.values) and all(map(math.isfinite, trial.values))


def seed_of(wanted: int, server: str, first: bool) -> int:
    """The sampler's seed: as asked for who made the study, another for everyone who joins it."""
    return wanted if first else (wanted + int(server[:7], 16)) % 2**31

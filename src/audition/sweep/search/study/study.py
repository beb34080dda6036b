"""A study that several processes work on: trials are asked for, told, and put back if a process dies.

A trial whose process ended is marked `lost` and failed, and its point queued again; the seeds of it
that have finished are in the ledger and not trained again.
"""

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audition.records.claim import Busy, held, take

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

_UNNAMED_S = 10.0
_QUEUEING_S = 0.05
"""Time between two tries to queue points, where another process does [s]."""


@dataclass
class Past:
    """The trials up to the first that has not ended, which nobody need look at again."""

    trials: int = 0
    asked_for: int = 0


@dataclass(frozen=True)
class Study:
    """One study, as this process serves it."""

    study: "optuna.Study"
    name: str
    limit: int  # trials in all
    folder: Path  # where the processes that serve it are known
    server: str  # this process
    past: Past = field(default_factory=Past)

    @property
    def trials(self) -> "list[FrozenTrial]":
        """All trials, in their order; to look at."""
        return self.study.get_trials(deepcopy=False)

    def enqueue(self, points: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> None:
        """Queue the points, each with what was typed for it, that no trial has yet.

        One process at a time: two that looked together would both queue what neither saw.
        """
        while True:
            try:
                claim = take(self.folder / "queueing")
                break
            except Busy:
                time.sleep(_QUEUEING_S)
        try:
            for params, typed in points:
                attrs = {"typed": list(typed)}
                self.study.enqueue_trial(dict(params), attrs, skip_if_exists=True)
        finally:
            claim.release()

    def ask(self) -> "Trial | None":
        """The next trial; None where all have been asked for."""
        from optuna.trial import TrialState

        asked_for, waiting = self._before()
        if asked_for >= self.limit and not waiting:
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

    def _before(self) -> tuple[int, bool]:
        """How many trials were asked for, and whether a point is queued among them."""
        from optuna.trial import TrialState

        trials, past = self.trials, self.past
        while past.trials < len(trials) and trials[past.trials].state.is_finished():
            past.asked_for += counts(trials[past.trials])
            past.trials += 1
        rest = [trial for trial in trials[past.trials :] if counts(trial)]
        return past.asked_for + len(rest), any(t.state == TrialState.WAITING for t in rest)

    def waiting(self) -> bool:
        """Whether a point is queued that nobody has taken."""
        from optuna.trial import TrialState

        return any(t.state == TrialState.WAITING for t in self.trials)

    def open_elsewhere(self) -> "list[FrozenTrial]":
        """Open trials of other living processes; those of dead ones are put back."""
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
        """Fail an abandoned trial and queue its point; of several processes that try, one succeeds."""
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
    """Whether a trial without the name of its process may have been asked for just now."""
    start = trial.datetime_start
    return start is not None and (datetime.now() - start).total_seconds() < _UNNAMED_S


def counts(trial: "FrozenTrial") -> bool:
    """Whether the trial is one of those that were asked for."""
    return not (trial.user_attrs.get("lost") or trial.user_attrs.get("surplus"))


def finite(trial: "FrozenTrial") -> bool:
    """Whether every objective of a trial came to a number."""
    return bool(trial.values) and all(map(math.isfinite, trial.values))

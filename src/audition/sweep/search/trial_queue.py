"""The pool's source of jobs in a search: the next seed of an open trial, else a new trial of Optuna's.

No worker waits for another. A trial runs seed by seed, so that it can be pruned between two seeds;
once no new trial is left, the remaining seeds of open trials run side by side.
"""

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audition.errors import AuditionError
from audition.records.record import Record
from audition.records.store import Ledger
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import End, Job
from audition.sweep.search.objective import judged_by, mean_of, values_of, worst
from audition.sweep.search.space.points import Points
from audition.sweep.search.space.space import overrides
from audition.sweep.search.study.pruning import Open, Pruning
from audition.sweep.search.study.samplers import pick_from
from audition.sweep.search.study.study import Study
from audition.text import count

if TYPE_CHECKING:
    from optuna.trial import Trial

PRUNED = "given up: it is no better than the trials before it at this point"


class TrialQueue:
    """A source of jobs for the pool, which calls `hear` when a job has ended.

    Raises AuditionError, through the pool, where a record lacks an objective.
    """

    def __init__(
        self,
        study: Study,
        points: Points,
        objectives: tuple[str, ...],
        *,
        inside: int,  # evaluations in a run that the pruner sees; 0: it looks between seeds alone
        prunes: bool,
        job_of: Callable[[PlannedRun], Job],
        say: Callable[[str], None],
    ) -> None:
        self.study, self.points, self.objectives = study, points, objectives
        self.job_of, self.say = job_of, say
        self.pruning = Pruning(points.seeds, inside, prunes, judged_by(objectives, points.metric))
        self.open: list[Open] = []
        self.served = 0  # runs that the ledger had
        self._jobs: dict[Job, tuple[Open, PlannedRun]] = {}
        self._ledger = Ledger(points.output_dir)
        self._known = self._ledger.read().settled()

    def take(self) -> Job | None:
        """The next run that has no outcome yet."""
        while (entry := self._next()) is not None:
            run = entry.runs.popleft()
            record = self._find(run)
            if record is None:
                entry.under_way += 1
                job = self.job_of(run)
                self._jobs[job] = (entry, run)
                return job
            self.served += 1
            self._heard(entry, run, record)
        return None

    def stops(self, job: Job, report: Mapping[str, Any]) -> str:
        """Why the pruner ends a run at an evaluation; empty where it does not."""
        if job not in self._jobs:
            return ""
        entry, run = self._jobs[job]
        if entry.given_up:  # at another of its seeds
            return PRUNED
        if (
            not self.pruning.inside
            or entry.over
            or report.get("phase") != "evaluated"
            or report.get("step") == job.expected_steps
        ):
            return ""
        if not self.pruning.at_evaluation(entry, run, self._folder(run)) or self._is_default(run):
            return ""
        self._prune(entry, f"given up at an evaluation of seed {run.seed}")
        return PRUNED

    def hear(self, job: Job, end: End) -> None:
        """Take in the record of a run that has ended."""
        entry, run = self._jobs.pop(job)
        entry.under_way -= 1
        record = self._ledger.get(self._folder(run))
        if end.status != "interrupted" and record is not None:
            self._heard(entry, run, record)

    def release(self) -> None:
        """Put the trials that this process leaves unfinished back in the queue."""
        for entry in self.open:
            trial = entry.trial
            self.study.put_back(trial.number, trial.params, trial.user_attrs)
        self.open.clear()

    def _next(self) -> Open | None:
        """The trial that runs next: one between two seeds, a new one, one with seeds left."""
        waiting = [entry for entry in self.open if entry.runs]
        idle = next((entry for entry in waiting if not entry.under_way), None)
        return idle or self._ask() or next(iter(waiting), None)

    def _ask(self) -> Open | None:
        while (trial := self.study.ask()) is not None:
            typed = tuple(trial.user_attrs.get("typed", ()))
            entry = Open(trial, typed, deque(), len(self.points.seeds))
            self.open.append(entry)  # from here on `release` puts it back
            drawn = overrides(self.points.space, lambda part, t=trial: pick_from(t, part))  # type: ignore[misc]
            entry.typed = typed if "typed" in trial.user_attrs else drawn
            try:
                runs = self.points.runs(entry.typed)
            except AuditionError as error:
                self._close(entry, None, str(error))
                continue
            facts = {"overrides": list(entry.typed), "config_hash": runs[0].identity.config_hash}
            trial.set_user_attr("run", {**facts, "arm": runs[0].arm.name})
            entry.runs.extend(runs)
            return entry
        return None

    def _find(self, run: PlannedRun) -> Record | None:
        """The outcome of `run`, from the ledger as it was at the start, or its own folder now."""
        if (record := self._known.get(run.identity.key)) is not None:
            return record
        record = self._ledger.get(self._folder(run))
        same = record is not None and record.key == run.identity.key and record.settled
        return record if same else None

    def _is_default(self, run: PlannedRun) -> bool:
        """Whether it is a run of the default, which is never given up: all else is held against it."""
        return run.identity.config_hash == self.points.start_hash

    def _folder(self, run: PlannedRun) -> Path:
        return self._ledger.folder_of(run.record)

    def _heard(self, entry: Open, run: PlannedRun, record: Record) -> None:
        if entry.over:
            return
        if record.status == "diverged":
            entry.trial.set_user_attr("diverged", record.seed)
            self._close(entry, worst(self.objectives), f"diverged on seed {run.seed}")
        elif record.status != "finished":
            self._close(entry, None, f"{record.status} on seed {run.seed}: {record.reason}")
        else:
            self._finished(entry, run, record)

    def _finished(self, entry: Open, run: PlannedRun, record: Record) -> None:
        values = values_of(record, self.objectives)
        entry.values[run.seed] = values
        doubtful = self.pruning.at_end(entry, run, values[0], self._ledger.folder_of(record))
        if len(entry.values) == entry.total:
            entry.trial.set_user_attr("seeds", _by_seed(entry))
            means = mean_of(entry.values)
            read = [record.measure(name).as_loss for name in self.objectives]
            told = (f"{how(mean):.4f}" for how, mean in zip(read, means, strict=True))
            self._close(entry, means, ", ".join(told))
        elif doubtful and not self._is_default(run):
            self._prune(entry, f"given up after {count(len(entry.values), 'seed')}")

    def _prune(self, entry: Open, what: str) -> None:
        from optuna.trial import TrialState

        self._leave(entry)
        entry.given_up = True
        entry.trial.set_user_attr("seeds", _by_seed(entry))
        self.study.study.tell(entry.trial, state=TrialState.PRUNED)
        self._tell(entry.trial.number, entry.typed, what)

    def _close(self, entry: Open, values: list[float] | None, what: str) -> None:
        """Tell the study; without values the trial failed, which is no value of it."""
        self._leave(entry)
        if values is None:
            return self._fail(entry.trial, entry.typed, what)
        self.study.study.tell(entry.trial, values)
        self._tell(entry.trial.number, entry.typed, what)

    def _fail(self, trial: "Trial", typed: tuple[str, ...], why: str) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr("reason", why)
        self.study.study.tell(trial, state=TrialState.FAIL)
        self._tell(trial.number, typed, f"failed: {why}")

    def _leave(self, entry: Open) -> None:
        entry.over = True
        entry.runs.clear()
        self.open.remove(entry)

    def _tell(self, number: int, typed: tuple[str, ...], what: str) -> None:
        self.say(f"trial {number} {' '.join(typed) or '(the default)'}: {what}")


def _by_seed(entry: Open) -> dict[str, list[float]]:
    return {str(seed): list(each) for seed, each in entry.values.items()}

"""A sprint: as many whole seeds of a sweep as fit a time, cut by the clock and never by a result.

How many fit is decided before the first run, by how long runs take here, and sealed in the plan. At
the end of the time nothing begins, and runs under way are checkpointed; only seeds that every arm
has an outcome of are judged.
"""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from audition.config.groups import root_of
from audition.config.root import more_seeds
from audition.console import say
from audition.errors import AuditionError
from audition.records.record import now
from audition.records.registration import registered
from audition.records.sprints import Sprint, file_sprint
from audition.records.store import Contents, Ledger
from audition.sweep.arms import SCREENING, Question
from audition.sweep.confirm import measure_costs, say_diverged, say_missing, show_answer
from audition.sweep.derived import with_parents
from audition.sweep.executors import Executor, LocalExecutor
from audition.sweep.expect import earlier_seconds
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.pool import PoolSettings
from audition.sweep.pool.estimate import makespan
from audition.sweep.show import Show
from audition.text import count, roughly

MOST_SEEDS = 20
"""Seeds that are offered to a sprint where its command names none."""
FITS = 0.9
"""The part of the time that seeds are planned into; the rest is for what takes longer than expected."""

Pace = Callable[[Sequence[PlannedRun], PoolSettings], Mapping[str, float]]
"""Times runs: config hash -> seconds of one of them, as many at once as the pool has."""


def with_seeds(question: Question) -> Question:
    """The question with the seeds that a sprint may take from, in their order.

    Its runs are those of any sweep: the word `sprint=15` is in the plan's command alone.
    """
    further = (*SCREENING, *more_seeds(SCREENING, MOST_SEEDS - len(SCREENING)))
    return replace(
        question,
        common=_without(question.common),
        arms=tuple(replace(arm, overrides=_without(arm.overrides)) for arm in question.arms),
        seeds=further if question.seeds is None else question.seeds,
    )


def _without(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if root_of(word) != "sprint")


@dataclass(frozen=True)
class Block:
    """The runs of one seed that are still to be made."""

    seed: int
    trained: tuple[PlannedRun, ...]
    deployed: tuple[PlannedRun, ...]


@dataclass(frozen=True)
class SprintStyle:
    """Whole seeds of `plan` until the time is up."""

    minutes: float
    plan: Plan
    executor: LocalExecutor
    pace: Mapping[str, float]
    clock: Callable[[], float] = time.monotonic

    chooses = False

    def widen(self, question: Question) -> Question:
        """The plan has its seeds."""
        return question

    def judged_on(self, plan: Plan) -> tuple[int, ...]:
        """All seeds count."""
        return ()

    def conduct(self, plan: Plan, executor: Executor, ledger: Ledger, show: Show) -> bool:
        """Train block by block until the time is up, file the sprint, judge the complete blocks."""
        began, since = now(), self.clock()
        before = len(plan.missing(ledger.read()))

        def bell() -> bool:
            return self.clock() - since >= 60 * self.minutes

        end = "stopped"
        try:
            blocks = blocks_of(plan, ledger.read())
            self.executor.train_until([run for each in blocks for run in each.trained], bell)
            contents = ledger.read()
            plan = with_parents(plan, contents)
            ready = (r for each in blocks_of(plan, contents) for r in each.deployed if r.ready)
            self.executor.train_until(list(ready), bell)
            end = "bell" if bell() else "done"
        finally:
            contents = ledger.read()
            left = plan.missing(contents)
            complete = [seed for seed in seeds_of(plan) if seed not in {run.seed for run in left}]
            named = registered(ledger.root, plan.runs[0].plan)
            if named is not None:
                file_sprint(
                    ledger.root,
                    Sprint(
                        began=began,
                        ended=now(),
                        minutes=self.minutes,
                        plan=named.digest(),
                        command=named.command,
                        arms=len(plan.arms()) + 1,
                        seeds=seeds_of(plan),
                        complete=tuple(complete),
                        trained=before - len(left),
                        workers=self.executor.settings(plan.runs).workers,
                        pace={
                            run.arm.name: round(self.pace[run.identity.config_hash], 3)
                            for run in plan.runs
                            if run.identity.config_hash in self.pace
                        },
                        end=end,  # type: ignore[arg-type]
                    ),
                )
        return self._answer(plan, contents, ledger, show)

    def _answer(self, plan: Plan, contents: Contents, ledger: Ledger, show: Show) -> bool:
        """Show the verdict on the complete seeds; whether there is one and no run has failed."""
        left = plan.missing(contents)
        cut = {run.seed for run in left}
        seeds = seeds_of(plan)
        filed = {record.key: record for record in contents.records}
        failed = any(
            (record := filed.get(run.identity.key)) is not None and record.status == "failed"
            for run in left
        )
        if failed:
            say_missing(plan, contents, ledger)
        if cut:
            say(
                f"sprint: {len(seeds) - len(cut)} of {count(len(seeds), 'seed')} complete; what is "
                "left is not judged, and the same command goes on with it."
            )
        if len(cut) == len(seeds):
            return False
        measure_costs(plan, ledger)
        contents = ledger.read()
        whole = replace(plan, runs=tuple(run for run in plan.runs if run.seed not in cut))
        records = tuple(r for r in contents.records if not _cut(r.key, plan, cut))
        kept = replace(contents, records=records)
        show_answer(whole, kept, ledger, show)
        return not failed and say_diverged(whole, kept)


def _cut(key: str, plan: Plan, cut: set[int]) -> bool:
    return any(run.identity.key == key for run in plan.runs if run.seed in cut)


def planned_sprint(
    plan: Plan, contents: Contents, minutes: float, executor: Executor, timed: Pace
) -> SprintStyle:
    """A sprint of the first seeds of `plan` that fit into `minutes`.

    Runs take what finished ones of their arm took on this machine; arms without any are timed.
    Raises AuditionError where runs are made elsewhere, or not one seed fits.
    """
    if not isinstance(executor, LocalExecutor):
        raise AuditionError(
            "sprint= is timed on this machine: use hydra/launcher=pool, or leave sprint= out"
        )
    blocks = blocks_of(plan, contents)
    missing = [run for each in blocks for run in (*each.trained, *each.deployed)]
    pool = executor.settings(plan.runs)
    pace = _pace(missing, pool, executor, timed)
    fitting = how_many(blocks, pace, pool.workers, FITS * 60 * minutes)
    seeds = seeds_of(plan)
    if not fitting:
        needed = span(blocks[:1], pace, pool.workers)
        first = blocks[0]
        raise AuditionError(
            f"sprint={minutes:g}: one seed of all {len(plan.arms()) + 1} arms is "
            f"{count(len(first.trained) + len(first.deployed), 'run')} and takes about "
            f"{roughly(needed)} with {count(pool.workers, 'worker')}, so not one seed fits: "
            f"sprint={ceil(needed / 60 / FITS)} would hold it, or use fewer arms or a smaller budget"
        )
    chosen = seeds[:fitting]
    if missing:
        took = span(blocks[:fitting], pace, pool.workers)
        say(
            f"sprint: {fitting} of {count(len(seeds), 'seed')} fit into {minutes:g} min, in about "
            f"{roughly(took)} with {count(pool.workers, 'worker')}."
        )
    kept = replace(
        plan,
        runs=tuple(run for run in plan.runs if run.seed in chosen),
        parents=tuple(run for run in plan.parents if run.seed in chosen),
    )
    return SprintStyle(minutes, kept, executor, pace)


def seeds_of(plan: Plan) -> tuple[int, ...]:
    """The seeds of a plan, in its order."""
    return tuple(dict.fromkeys(run.seed for run in plan.runs))


def blocks_of(plan: Plan, contents: Contents) -> list[Block]:
    """What the ledger lacks of each seed, in the order of the seeds."""
    untrained, missing = plan.untrained(contents), plan.missing(contents)
    return [
        Block(
            seed,
            tuple(run for run in untrained if run.seed == seed),
            tuple(run for run in missing if run.seed == seed and run.deployed),
        )
        for seed in seeds_of(plan)
    ]


def how_many(
    blocks: Sequence[Block], pace: Mapping[str, float], workers: int, seconds: float
) -> int:
    """How many of `blocks`, from the first on, are done within `seconds`."""
    fitting = 0
    while fitting < len(blocks) and span(blocks[: fitting + 1], pace, workers) <= seconds:
        fitting += 1
    return fitting


def span(blocks: Sequence[Block], pace: Mapping[str, float], workers: int) -> float:
    """Seconds that `blocks` take: in their order, what is deployed after all that is trained."""
    trained = [pace[run.identity.config_hash] for each in blocks for run in each.trained]
    deployed = [pace[run.identity.config_hash] for each in blocks for run in each.deployed]
    return makespan((), trained, workers) + makespan((), deployed, workers)


def _pace(
    missing: Sequence[PlannedRun], pool: PoolSettings, executor: Executor, timed: Pace
) -> dict[str, float]:
    arms = {run.identity.config_hash: run for run in missing}
    here = socket.gethostname()
    known = {
        key: seconds
        for key, run in arms.items()
        if (seconds := earlier_seconds(run, here)) is not None
    }
    unknown = [run for key, run in arms.items() if key not in known]
    if unknown:
        say(f"sprint: timing {count(len(unknown), 'arm')}, about {roughly(3 + 3 * len(unknown))}.")
        executor.check(unknown)
        known |= timed(unknown, pool)
    return known

"""The survey: all trials of a bench in their order, and what follows from their timings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, median
from typing import Any, Protocol

from audition.bench.estimate import (
    ArmCost,
    Cell,
    Cost,
    Point,
    advice,
    best_of,
    cost,
    runs_that_fit,
)
from audition.bench.plan import PlannedSweep
from audition.bench.trial import (
    RUNS_PER_CARD,
    Timing,
    Trial,
    Unmeasured,
    arms_alone,
    crowds,
    other_ways,
)
from audition.bench.ways import compiled_ways, settled, ways_of
from audition.budget import Budget
from audition.errors import AuditionError
from audition.measured import Pool, Ways, machine, workload
from audition.records.record import now
from audition.tasks.measures import task_of

AT_MOST = "A race drops arms as it goes: this is what it takes at most."
GIVEN = 0.9
"""Part of a core under which a process that computes all the time had to share it with others."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one `audition bench` measured, and what follows from it."""

    date: str
    """ISO 8601, UTC."""
    machine: Mapping[str, Any]
    device: str
    threads: int
    precision: str
    """Name of the configured one."""
    unit: str
    """What the task counts: tokens, examples."""
    cells: Sequence[Cell]
    """One run alone, the configured precision and threads among them."""
    points: Sequence[Point]
    """Several runs at once; the first may be one run alone."""
    best: Point
    arms: Mapping[str, Timing]
    """Arm -> one of its runs alone; the baseline first."""
    warm_s: float
    """What a sweep waits, once, before its first run."""
    planned: int
    """Runs of the sweep, those in the ledger included."""
    cost: Cost
    """Of the runs that the ledger lacks."""
    ways: Ways
    """What `auto` goes by from now on, for runs of these steps."""
    settled: str
    """What `auto` is for the baseline, now that this was measured; empty where nothing is `auto`."""
    workloads: Sequence[str]
    disturbed: Sequence[str]
    """Trials in which other work took this machine's cores: later sweeps should not go by those."""
    advice: Sequence[str]
    notes: Sequence[str]
    """What could not be measured, and what may have disturbed the rest."""

    @property
    def baseline(self) -> Timing:
        """One of the baseline's runs, alone."""
        return next(iter(self.arms.values()))

    def pool(self) -> Pool:
        """What later sweeps on this machine go by."""
        return Pool(
            device=self.device,
            threads=self.threads,
            precision=self.precision,
            workers=self.best.workers,
            runs_per_gpu=self.best.runs_per_gpu,
            units_per_s=self.best.units_per_s,
            workloads=tuple(self.workloads),
            date=self.date,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


class Timer(Protocol):
    """Carries out trials."""

    @property
    def warm_s(self) -> float:
        """Seconds that a sweep waits, once, before its first run."""
        ...

    def __call__(self, trial: Trial) -> Sequence[Timing]:
        """One timing a worker; raises Unmeasured."""
        ...


def survey(
    sweep: PlannedSweep,
    timer: Timer,
    announce: Callable[[int], Callable[[str], None]],
    *,
    cores: int,
    cards: Sequence[int],
) -> Findings:
    """Measure every arm alone, the baseline in every way, then more and more of its runs at once.

    announce: called with the number of trials; what it returns is called with the label of each.
    Raises AuditionError where an arm cannot be measured as it is configured.
    """
    execution = sweep.settings["execution"]
    device, threads, precision = execution["device"], execution["threads"], sweep.precision
    used = cards if device == "cuda" else ()
    alone = arms_alone(sweep, used)
    ways, crowded = other_ways(sweep, cores, used), crowds(sweep, cores, used)
    flipped = compiled_ways(sweep, used)
    steady = Steady(timer, announce(len(alone) + len(ways) + len(flipped) + len(crowded)))
    try:
        arms = {name: steady(trial)[0] for name, trial in alone.items()}
    except Unmeasured as why:
        raise AuditionError(f"{steady.label} cannot be measured: {why}") from None
    first, own = next(iter(arms.items()))

    timed = {way: steady.attempt(trial) for way, trial in ways.items()}
    cells = [Cell(precision, threads, own.units_per_s)]
    cells += [Cell(*way, together(timings) or None) for way, timings in timed.items()]
    turned = {name: steady.attempt(trial) for name, trial in flipped.items()}

    points = [] if len(used) > 1 else [Point(1, 1, own.units_per_s)]
    fitting = runs_that_fit(RUNS_PER_CARD, list(arms.values())) if used else (1,)
    starts = [timing.start_s for timings in timed.values() for timing in timings]
    for trial in crowded:
        if trial.runs_per_gpu in fitting and (timings := steady.attempt(trial)):
            points.append(Point(trial.workers, trial.runs_per_gpu, together(timings)))
            starts += [timing.start_s for timing in timings]
    if not points:
        raise AuditionError(f"no pool can be measured: {steady.failed[-1]}")

    # The very first process may have had to tokenise the text, which is done once and for all.
    arms[first] = replace(own, start_s=median(starts or [own.start_s]))
    same = {name: found for (name, number), found in timed.items() if number == threads}
    measured = ways_of(sweep, {precision: [arms[first]], **same}, turned)
    steady.failed += dict.fromkeys(
        f"Not measured: {trial.label}, {found[0].uncompiled}."
        for name, trial in flipped.items()
        if (found := turned[name]) and found[0].uncompiled
    )
    best = best_of(points)
    # An open precision follows the measurement by itself.
    told = [cell for cell in cells if "precision" not in sweep.open or cell.precision == precision]
    advised = advice(told, best, precision=precision, threads=threads, cores=cores)
    return Findings(
        date=now(),
        machine=machine(),
        device=device,
        threads=threads,
        precision=precision,
        unit=task_of(sweep.settings).unit,
        cells=cells,
        points=points,
        best=best,
        arms=arms,
        warm_s=timer.warm_s,
        planned=len(sweep.plan.runs),
        cost=cost(to_train(sweep, arms), points, alone=own.units_per_s, warm_s=timer.warm_s),
        workloads=tuple(dict.fromkeys(workload(run.settings) for run in sweep.plan.runs)),
        ways=measured,
        settled=settled(sweep, measured),
        disturbed=tuple(steady.disturbed),
        advice=() if steady.disturbed else advised,
        notes=(*((AT_MOST,) if sweep.at_most else ()), *steady.failed),
    )


def to_train(sweep: PlannedSweep, arms: Mapping[str, Timing]) -> list[ArmCost]:
    """What the ledger lacks of each arm, with one of its runs as it was timed."""
    return [
        arm_cost(name, settings, arms[name], sum(run.arm.name == name for run in sweep.missing))
        for name, settings in sweep.arms.items()
    ]


def arm_cost(name: str, settings: Mapping[str, Any], timing: Timing, runs: int) -> ArmCost:
    """So many runs of those `settings`, of which one was timed."""
    budget = Budget(**settings["budget"])
    return ArmCost(
        name=name,
        runs=runs,
        steps=budget.total_steps(timing.units_per_step),
        minutes=budget.minutes,
        evaluations=settings["training"]["evaluations"],
        timing=timing,
    )


class Steady:
    """Carries out trials by `timer`, a second time where other work took this machine's cores.

    say: gets the label of each trial as it begins.
    """

    def __init__(self, timer: Timer, say: Callable[[str], None]) -> None:
        self._timer, self._say = timer, say
        self.label = ""
        """Of the trial that was begun last."""
        self.disturbed: list[str] = []
        """Labels of trials that other work was in the way of, twice."""
        self.failed: list[str] = []
        """A sentence for each trial that `attempt` had to give up."""

    def __call__(self, trial: Trial) -> Sequence[Timing]:
        """The timings, the faster of two where the first had not the cores to itself.

        Raises Unmeasured.
        """
        self.label = trial.label
        self._say(trial.label)
        if trial.settings["execution"]["compile"]:
            self._timer(trial)  # compiles; from now on it is read from the cache
        found = self._timer(trial)
        if shared(trial, found):
            found = max(found, self._timer(trial), key=together)
            if shared(trial, found):
                self.disturbed.append(trial.label)
        return found

    def attempt(self, trial: Trial) -> Sequence[Timing]:
        """The timings; none where the trial failed."""
        try:
            return self(trial)
        except Unmeasured as why:
            self.failed.append(f"Not measured: {trial.label}, {why}.")
            return ()


def together(timings: Sequence[Timing]) -> float:
    """Units/s of all processes of a trial."""
    return sum(timing.units_per_s for timing in timings)


def shared(trial: Trial, timings: Sequence[Timing]) -> bool:
    """Whether processes of one thread, which are at work all the time, had less than a core each.

    Several threads wait for each other, and for a card, so there it says nothing.
    """
    execution = trial.settings["execution"]
    tells = execution["device"] == "cpu" and execution["threads"] == 1
    return tells and fmean(timing.cores for timing in timings) < GIVEN

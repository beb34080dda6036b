"""All trials of a bench in their order, and what is made of them; the measuring is a `Timer`'s."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from audition.bench.asked import Asked
from audition.bench.estimate import (
    ArmCost,
    Cell,
    Point,
    advice,
    best_of,
    cost,
    runs_that_fit,
)
from audition.bench.findings import Findings
from audition.bench.steady import Steady, together
from audition.bench.trial import Timer, Timing, Unmeasured
from audition.bench.trials import RUNS_PER_CARD, arms_alone, crowds, other_ways
from audition.budget import Budget
from audition.errors import AuditionError
from audition.measured import machine, workload
from audition.records.record import now
from audition.tasks.measures import task_of

AT_MOST = "A race drops arms as it goes: this is what it takes at most."


def survey(
    asked: Asked,
    timer: Timer,
    announce: Callable[[int], Callable[[str], None]],
    *,
    cores: int,
    cards: Sequence[int],
) -> Findings:
    """Measure every arm alone, the baseline in every way, then more and more of its runs at once.

    announce: given how many trials there are, it gives what is told the name of each.
    Raises AuditionError where an arm cannot be measured as it is configured.
    """
    execution = asked.settings["execution"]
    device, threads, precision = execution["device"], execution["threads"], asked.precision
    used = cards if device == "cuda" else ()
    alone = arms_alone(asked, used)
    ways, crowded = other_ways(asked, cores, used), crowds(asked, cores, used)
    steady = Steady(timer, announce(len(alone) + len(ways) + len(crowded)))
    try:
        arms = {name: steady(trial)[0] for name, trial in alone.items()}
    except Unmeasured as why:
        raise AuditionError(f"{steady.label} cannot be measured: {why}") from None
    first, own = next(iter(arms.items()))

    timed = {way: steady.attempt(trial) for way, trial in ways.items()}
    cells = [Cell(precision, threads, own.units_per_s)]
    cells += [Cell(*way, together(timings) or None) for way, timings in timed.items()]

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
    best = best_of(points)
    advised = advice(cells, best, precision=precision, threads=threads, cores=cores)
    return Findings(
        date=now(),
        machine=machine(),
        device=device,
        threads=threads,
        precision=precision,
        unit=task_of(asked.settings).unit,
        cells=cells,
        points=points,
        best=best,
        arms=arms,
        warm_s=timer.warm_s,
        planned=len(asked.plan.runs),
        cost=cost(to_train(asked, arms), points, alone=own.units_per_s, warm_s=timer.warm_s),
        workloads=tuple(dict.fromkeys(workload(run.settings) for run in asked.plan.runs)),
        disturbed=tuple(steady.disturbed),
        advice=() if steady.disturbed else advised,
        notes=(*((AT_MOST,) if asked.at_most else ()), *steady.failed),
    )


def to_train(asked: Asked, arms: Mapping[str, Timing]) -> list[ArmCost]:
    """What the ledger lacks of each arm, with one of its runs as it was timed."""
    costs = []
    for name, settings in asked.arms.items():
        budget = Budget(**settings["budget"])
        costs.append(
            ArmCost(
                name=name,
                runs=sum(run.arm.name == name for run in asked.missing),
                steps=budget.total_steps(arms[name].units_per_step),
                minutes=budget.minutes,
                evaluations=settings["training"]["evaluations"],
                timing=arms[name],
            )
        )
    return costs

"""What apoptosis costs at nanoGPT's CPU configuration: an event, in steps, and a run of ten events."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from audition.apoptosis.strategy import Strategy, Timetable
from audition.apoptosis.surgery import Weights, operate
from audition.observers.spikes import Spikes
from audition.recipe.batches import Clock
from audition.recipe.problem import Problem
from audition.recipe.signals import Controls, View
from audition.session import begin
from audition.training.job import Job
from audition.training.step import advance, probe_of
from scripts.bench.pairs import Row, paired
from scripts.bench.step import FP32, job, steps

ROWS = 12
"""Of a step's batch."""
BETWEEN = 130
"""Steps between two of the ten events of a run of 1M tokens."""
EVENTS = {
    "functional_preservation": (),
    "functional_preservation, fold=ridge": ("apoptosis.heredity.fold=ridge",),
    "crossover": (),
    "functional_preservation, fitness=multi_objective": ("apoptosis/fitness=multi_objective",),
    "dynamic_topology": (),
}


@dataclass(frozen=True)
class Always(Timetable):
    """An event after every step."""

    def due(self, clock: Clock) -> bool:
        return True


def event(made: Job) -> Callable[[], None]:
    """One event, from fitness to the rewritten moments, of a session that has taken a few steps."""
    session = begin(made.recipe, made.seed, "cpu")
    for step in range(3):
        advance(made, session, Clock(step, 2000, step / 2000))
    strategy = made.recipe.apoptosis
    assert isinstance(strategy, Strategy)
    strategy = replace(strategy, timetable=Always())
    batch = session.batches.train(Clock(3))
    gradient = made.recipe.gradient(Problem(session.model, session.params, made.recipe.loss, batch))
    state = session.apoptosis

    def run() -> None:
        nonlocal state
        streams = session.streams.child("apoptosis")
        view = View(Clock(3, 2000, 0.0), Controls(), session.params, streams)
        probe = probe_of(made, session, ROWS)
        with torch.no_grad():
            events, _ = strategy.propose(probe, gradient, state, view)
            # The widths stay, so that the same gradient fits the next event.
            if all(each.resize is None for each in events):
                operate(Weights(session.model, session.params, session.optimizer), events)

    return run


def look(made: Job) -> Callable[[], None]:
    """One look at the loss around an event; a run makes two an event, and some more after it."""
    session = begin(made.recipe, made.seed, "cpu")
    spikes = Spikes()
    return lambda: spikes.before(session)


def rows(output_dir: Path, *, pairs: int = 9) -> list[Row]:
    """Each kind of event against a step, and a tenth of a run with one event against one without."""
    torch.set_num_threads(1)
    plain = job(output_dir, FP32)
    table = [
        paired(
            f"an event of apoptosis={name}, against a step",
            event(job(output_dir, FP32, f"apoptosis={name.partition(',')[0]}", *more)),
            steps(plain, 1),
            pairs=pairs,
            unit="ms",
            per=1 / 1000,
            bound="≤ 3",
        )
        for name, more in EVENTS.items()
    ]
    table.append(
        paired(
            "a look at the loss around an event of apoptosis, against a step",
            look(plain),
            steps(plain, 1),
            pairs=pairs,
            unit="ms",
            per=1 / 1000,
            bound="≤ 1",
        )
    )
    periodic = (
        "apoptosis/timetable=periodic",
        f"apoptosis.timetable.interval={BETWEEN}",
        "apoptosis.timetable.warmup=0",
    )
    table.append(
        paired(
            f"{BETWEEN} steps with one event of apoptosis=functional_preservation, against none",
            steps(job(output_dir, FP32, "apoptosis=functional_preservation", *periodic), BETWEEN),
            steps(plain, BETWEEN),
            pairs=pairs,
            unit="ms",
            per=BETWEEN / 1000,
            bound="≤ 1.03",
        )
    )
    return table

"""What is reported of an open trial to the pruner, and when the pruner is asked.

Between seeds each run's value is reported, and a seed is a step. Inside a run each evaluation is
reported, and the step is the number of evaluations so far over all seeds. It starts at 1, because
Hyperband reads the step as resource spent.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from audition.answers.curves import STEPS, read_curve
from audition.sweep.plan import PlannedRun

if TYPE_CHECKING:
    from optuna.trial import Trial


@dataclass(eq=False)
class Open:
    """A trial that this process has open."""

    trial: "Trial"
    typed: tuple[str, ...]
    runs: deque[PlannedRun]  # not given out yet
    total: int
    values: dict[int, tuple[float, ...]] = field(default_factory=dict)  # seed -> objectives
    seen: dict[int, int] = field(default_factory=dict)  # seed -> evaluations reported
    under_way: int = 0
    over: bool = False
    given_up: bool = False


@dataclass(frozen=True)
class Pruning:
    """Reports to the pruner of a study, and asks it."""

    seeds: tuple[int, ...]
    inside: int  # evaluations in a run that the pruner sees; 0: it looks between seeds alone
    prunes: bool
    metric: str  # of evaluations inside a run

    def at_evaluation(self, entry: Open, run: PlannedRun, folder: Path) -> bool:
        """Whether a run, whose files are in `folder`, is to be ended where it stands.

        It reads the run's curve, which is whole; progress reports may have been merged or lost.
        """
        losses = self._losses(run, folder)
        # A run that ends by itself now, whole or diverged, is left to say so.
        if not losses or len(losses) >= self.inside or not math.isfinite(losses[-1]):
            return False
        return self._show(entry, run, losses)

    def at_end(self, entry: Open, run: PlannedRun, value: float, folder: Path) -> bool:
        """Whether a trial, one of whose runs has finished with `value`, is not worth the others."""
        have, whole = len(entry.values), len(entry.values) == entry.total
        if self.inside:
            return self._show(entry, run, self._losses(run, folder)) and not whole
        if not self.prunes:
            return False
        entry.trial.report(value, step=self.seeds.index(run.seed))
        # Of one pair no test says anything, and asking it takes a look at every trial.
        return have > 1 and not whole and entry.trial.should_prune()

    def _show(self, entry: Open, run: PlannedRun, losses: tuple[float, ...]) -> bool:
        """Report the evaluations that are new, and ask at each: rungs keep what stood there."""
        doubtful = False
        first = self.seeds.index(run.seed) * self.inside + 1
        for place in range(entry.seen.get(run.seed, 0), min(len(losses), self.inside)):
            entry.seen[run.seed] = place + 1
            entry.trial.report(losses[place], step=first + place)
            doubtful |= entry.trial.should_prune()
        return doubtful

    def _losses(self, run: PlannedRun, folder: Path) -> tuple[float, ...]:
        """The metric at each evaluation of a run so far, in order, as losses."""
        curve = read_curve(folder, self.metric)
        if curve is None or curve.metric == STEPS:
            return ()
        return tuple(map(run.record.measure(self.metric).as_loss, curve.values))

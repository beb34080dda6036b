"""A timer that says what it is at, and tries once more where other work was in the way."""

from collections.abc import Callable, Sequence
from statistics import fmean

from audition.bench.trial import Timer, Timing, Trial, Unmeasured

GIVEN = 0.9
"""Part of a core under which a process that computes all the time had to share it with others."""


class Steady:
    """Carries out trials by `timer`, and keeps what there is to say of them.

    say: is told the name of each trial as it begins.
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

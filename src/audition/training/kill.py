"""The kill test of an idea, carried out: a stretch of the baseline's training, and what it says."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from audition.config.instantiate import construct
from audition.errors import AuditionError
from audition.observers.observer import Observer, StepReport
from audition.recipe.effect import Effect
from audition.recipe.kill import Finding, KillTest
from audition.session import Session
from audition.training.build import build
from audition.training.loop import train

WATCH = "kill_test"
"""Name of the watching effect in the baseline's chain."""


class Readings(Observer):
    """One meter of the chain after every step that has it."""

    def __init__(self, meter: str) -> None:
        self.meter = meter
        self.values: list[float] = []

    def on_step(self, session: Session, report: StepReport) -> None:
        meters = report.meters()
        if self.meter in meters:
            self.values.append(float(meters[self.meter]))


def kill_test(settings: Mapping[str, Any], idea: str, steps: int) -> Finding:
    """Whether `idea` is worth a run, by the first `steps` of the baseline of checked `settings`.

    The schedule is that of the whole run; nothing is written to the ledger. Raises AuditionError
    for an idea that no run of the baseline can kill, and where the baseline diverges.
    """
    asked = getattr(construct(settings["ideas"][idea]), "kill", None)
    if asked is None:
        raise AuditionError(
            f"the kill criterion of '{idea}' is not computed from a run of the baseline; it is in "
            f"words: {settings['cards'][idea]['kill_criterion'].strip()}"
        )
    test: KillTest = asked()
    job = build({**settings, "ideas": {}})
    if isinstance(test.watch, Effect):
        recipe, meter = job.recipe.with_effect(WATCH, test.watch), f"{WATCH}/{test.meter}"
    else:
        recipe, meter = test.watch(job.recipe), test.meter
    watched = replace(job, recipe=recipe, training=replace(job.training, evaluations=1))
    readings = Readings(meter)
    outcome = train(watched, [readings], interrupted=lambda step: step >= steps)
    if outcome.status == "diverged":
        raise AuditionError(f"the baseline diverged: {outcome.reason}")
    return test.decide(readings.values)

"""A chain studied on a stretch of training: whether its effects change places, and what each does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from audition.errors import AuditionError
from audition.observers.observer import Observer, StepReport
from audition.recipe import tree
from audition.recipe.activity import ACTIVITY, watched
from audition.recipe.commute import Step, commutators
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.session import Session
from audition.training.build import build
from audition.training.job import Job
from audition.training.loop import train


class Recorder(Effect):
    """Copies what every step hands to the chain, and changes nothing."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        self.gradient = replace(gradient, grads=tree.clone(gradient.grads))
        return gradient, state

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        self.view = replace(view, params=tree.clone(view.params))
        self.updates = tree.clone(updates)
        return updates, state

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        self.steps.append(Step(self.view, self.gradient, self.updates, tree.clone(params)))
        return params, state


class Meters(Observer):
    """The meters of the last step."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}

    def on_step(self, session: Session, report: StepReport) -> None:
        self.last = {name: float(value) for name, value in report.meters().items()}


def recorded(settings: Mapping[str, Any], steps: int) -> list[Step]:
    """The first `steps` of a run of checked `settings` without its effects and ideas."""
    recorder = Recorder()
    job = build({**settings, "effects": {}, "ideas": {}})
    _train(replace(job, recipe=replace(job.recipe, effects=Chain({"recorder": recorder}))), steps)
    return recorder.steps


def conflicts(settings: Mapping[str, Any], steps: int) -> dict[tuple[str, str], float]:
    """The commutator of every two effects of checked `settings`, the largest first."""
    return commutators(build(settings).recipe.effects, recorded(settings, steps))


def activities(settings: Mapping[str, Any], steps: int) -> dict[str, float]:
    """Name -> activity of each effect in the first `steps` of a run of checked `settings`."""
    job, meters = build(settings), Meters()
    effects = job.recipe.effects
    _train(replace(job, recipe=replace(job.recipe, effects=watched(effects))), steps, meters)
    return {name: meters.last[f"{name}/{ACTIVITY}"] for name in effects.members}


def _train(job: Job, steps: int, *observers: Observer) -> None:
    """Raises AuditionError where the run diverges."""
    once = replace(job, training=replace(job.training, evaluations=1))
    outcome = train(once, observers, interrupted=lambda step: step >= steps)
    if outcome.status == "diverged":
        raise AuditionError(f"the run diverged: {outcome.reason}")

"""What the ranks of the tests do; a module of its own, since they import it by name."""

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from audition.apoptosis.heredity.functional_preservation import FunctionalPreservation
from audition.apoptosis.strategy import Site
from audition.errors import AuditionError
from audition.observers.checkpoint import Checkpoint
from audition.parallel.alone import StopAsked, Tell
from audition.parallel.team import Team
from audition.recipe.effect import Effect
from audition.recipe.problem import Cost, Gradient
from audition.recipe.turnover import Turnover
from audition.training.build import build
from audition.training.job import Job, Outcome
from audition.training.loop import train
from audition.training.resume import train_on


def several(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: StopAsked
) -> Mapping[str, Any]:
    """Each case in turn, so that one start of the processes serves all of them."""
    folder = Path(payload["folder"])
    return {
        name: CASES[case["do"]](build(case["settings"], team), folder, name)
        for name, case in payload["cases"].items()
    }


def whole(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """From the first step to the last."""
    torch.manual_seed(job.team.rank)  # what went before must not matter
    return told(train(job), job, folder, name)


def stopped(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """Stopped at step 4 by the wish of rank 1, saved by rank 0, taken up by both."""
    team, key = job.team, "k"

    def on(observers: list[Checkpoint], last: int) -> Outcome:
        return train_on(
            job,
            observers,
            folder=folder,
            key=key,
            say=print,
            interrupted=lambda step: team.any(team.rank == 1 and step == last),
        )

    observers = [Checkpoint(folder, key)] if team.rank == 0 else []
    first = on(observers, 4)
    assert (first.status, first.session.step) == ("interrupted", 4)
    torch.manual_seed(team.rank)
    team.any(False)  # wait until the checkpoint is there, as the next processes would
    return told(on(observers, -1), job, folder, name)


def timed(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """For a while by the clock, which rank 1 finds slower than rank 0."""

    class Slow(Effect):
        def before_batch(self, controls, state, view):
            time.sleep(0.02 * job.team.rank)
            return controls, state

    recipe = job.recipe.with_effect("slow", Slow())
    return told(train(replace(job, recipe=recipe)), job, folder, name)


def parted(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """With an effect that decides by something that only its own rank sees."""

    class Local(Effect):
        def on_weights(self, params, state, view):
            return {n: p * (1.0 + 1e-6 * job.team.rank) for n, p in params.items()}, state

    try:
        train(replace(job, recipe=job.recipe.with_effect("local", Local())))
    except AuditionError as error:
        return {"refused": str(error)}
    return {}


def twice(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """By a gradient rule that replaces the recipe's and asks for two gradients, as SAM does."""

    def rule(problem: Any) -> Gradient:
        first = job.recipe.gradient(problem)
        size = 0.05 / sum(g.square().sum() for g in first.grads.values()).sqrt()
        with torch.no_grad():
            for n, g in first.grads.items():
                problem.params[n].add_(g * size)
        second = job.recipe.gradient(problem)
        with torch.no_grad():
            for n, g in first.grads.items():
                problem.params[n].sub_(g * size)
        return replace(second, cost=first.cost + second.cost)

    return told(train(replace(job, recipe=replace(job.recipe, gradient=rule))), job, folder, name)


def masks(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """What a share's forward pass draws, and what is drawn outside of it."""
    drawn = []

    def rule(problem: Any) -> Gradient:
        drawn.append(torch.rand(()).item())
        return Gradient({}, {"rows": torch.tensor(float(problem.batch.rows))}, Cost())

    shared = job.team.rule(rule)

    class Draws(Effect):
        def wrap_gradient(self, inner, state, view):
            def wrapped(problem):
                shared(problem)
                drawn.append(torch.rand(()).item())
                return inner(problem)

            return wrapped, state

    train(replace(job, recipe=job.recipe.with_effect("draws", Draws())))
    (folder / f"{name}.{job.team.rank}").write_text(repr(drawn))
    return {}


class Growing(Turnover):
    """After step 3 every layer gains two units, split off those that a probe shows most active."""

    def propose(self, probe, gradient, state, view):
        if view.clock.step != 2:
            return (), state
        seen = probe.activations(0)
        return [
            FunctionalPreservation(moments="copy").replace(
                Site(name, units),
                torch.arange(2) + units.count,
                seen[name].float().abs().mean((0, 1)),
                probe,
                view,
            )
            for name, units in probe.sites.items()
        ], state


def growing(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """With layers that grow by what each rank sees for itself."""
    return told(
        train(replace(job, recipe=replace(job.recipe, apoptosis=Growing()))), job, folder, name
    )


CASES = {f.__name__: f for f in (whole, stopped, timed, parted, twice, masks, growing)}


def told(outcome: Outcome, job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """The facts of an outcome; each rank's weights lie in a file."""
    session = outcome.session
    torch.save(session.model.state_dict(), folder / f"{name}.{job.team.rank}.pt")
    return {
        "status": outcome.status,
        "step": session.step,
        "evaluated": [(e.step, dict(e.metrics)) for e in session.evaluations],
        "cost": [session.cost.forward, session.cost.backward],
        "seconds": session.seconds,
    }


def lost(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: StopAsked
) -> dict[str, Any]:
    """Rank 1 is killed at step 3."""

    def last(step: int) -> bool:
        if team.rank == 1 and step == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return interrupted(step)

    train(build(payload["settings"], team), interrupted=last)
    return {}


def wrong(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: StopAsked
) -> dict[str, Any]:
    """Rank 1 finds a mistake."""
    if team.rank == 1:
        raise AuditionError("the moon is full: choose another night")
    train(build(payload["settings"], team))
    return {}


def endless(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: StopAsked
) -> dict[str, Any]:
    """Every rank says who it is, in a file, and stands still."""
    (Path(payload["folder"]) / f"{team.rank}.pid").write_text(str(os.getpid()))
    while True:
        time.sleep(60)

"""What the ranks of the tests do; a module of its own, since they import it by name."""

import errno
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from taking_up import train_on

from audition.apoptosis.heredity.functional_preservation import FunctionalPreservation
from audition.apoptosis.strategy import Site
from audition.config.instantiate import construct
from audition.errors import AuditionError
from audition.observers import sharded_checkpoint
from audition.observers.checkpoint import PART, SHARDS, Checkpoint
from audition.observers.sharded_checkpoint import REST
from audition.parallel.alone import StopAsked, Tell
from audition.parallel.team import Team
from audition.recipe import tree
from audition.recipe.effect import Effect
from audition.recipe.problem import Cost, Gradient
from audition.recipe.turnover import Turnover
from audition.training.build import build
from audition.training.job import Job, Outcome
from audition.training.loop import train


def several(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: StopAsked
) -> Mapping[str, Any]:
    """Each case in turn, so that one start of the processes serves all of them."""
    folder = Path(payload["folder"])
    return {
        name: CASES[case["do"]](job_of(case["settings"]), folder, name)
        for name, case in json.loads(Path(payload["cases"]).read_text()).items()
    }


def job_of(settings: Mapping[str, Any]) -> Job:
    """The job, for a team of the kind that the settings say, in the process group that is there."""
    return build(settings, construct(settings["parallel"]).team("cpu"))


def whole_one(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: StopAsked
) -> Mapping[str, Any]:
    """One case alone."""
    return whole(job_of(payload["settings"]), Path(payload["folder"]), "whole")


def whole(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """From the first step to the last."""
    torch.manual_seed(job.team.rank)  # what went before must not matter
    return told(train(job), job, folder, name)


def stopped(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """Stopped at step 4 by the wish of rank 1, saved, taken up by both."""
    own = folder / f"{name} run"
    first = _train_on(job, own, [], last=4)
    assert (first.status, first.session.step) == ("interrupted", 4)
    told(first, job, own, "stopped")
    torch.manual_seed(job.team.rank)
    return told(_train_on(job, own, []), job, folder, name)


def damaged(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """Stopped at 2 and 4; then a bit of rank 1's part turns over, and a newer one is half written."""
    own, said = folder / f"{name} run", list[str]()
    for last in (2, 4):
        assert _train_on(job, own, said, last).session.step == last
    if job.team.rank == 0:
        (part,) = (own / SHARDS).glob("__1_*")
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 1
        part.write_bytes(content)
        shutil.copytree(own / SHARDS, own / PART)
        (own / PART / REST).unlink()
    job.team.any(False)
    return {**told(_train_on(job, own, said), job, folder, name), "said": said}


def unwritable(job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """A save for which rank 1 finds no room, then one that it does."""
    own, said = folder / f"{name} run", list[str]()
    room = sharded_checkpoint._sums

    def full(*args: Any) -> dict[str, int]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if job.team.rank == 1:
        sharded_checkpoint._sums = full
    first = _train_on(job, own, said, last=2)
    sharded_checkpoint._sums = room
    left = sorted(path.name for path in own.iterdir())
    job.team.any(False)
    return {"status": first.status, "said": said, "left": left}


def _train_on(job: Job, folder: Path, said: list[str], last: int = -1) -> Outcome:
    """The run from its checkpoint in `folder`, until rank 1 wishes its end at step `last`."""
    team = job.team
    folder.mkdir(exist_ok=True)
    observers: list[Checkpoint] = []
    if team.sharded:
        observers = [sharded_checkpoint.ShardedCheckpoint(team, folder, "k", said.append)]
    elif team.rank == 0:
        observers = [Checkpoint(folder, "k", said.append)]
    outcome = train_on(
        job,
        observers,
        folder=folder,
        key="k",
        say=said.append,
        interrupted=lambda step: team.any(team.rank == 1 and step == last),
    )
    team.any(False)  # wait until the checkpoint is there, as the next processes would
    return outcome


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


CASES = {
    f.__name__: f
    for f in (whole, stopped, damaged, unwritable, timed, parted, twice, masks, growing)
}


def told(outcome: Outcome, job: Job, folder: Path, name: str) -> Mapping[str, Any]:
    """The facts of an outcome; each rank's weights lie in a file."""
    session = outcome.session
    weights = {n: tree.whole(p) for n, p in session.model.state_dict().items()}
    torch.save(weights, folder / f"{name}.{job.team.rank}.pt")
    return {
        "status": outcome.status,
        "step": session.step,
        "evaluated": [(e.step, dict(e.metrics)) for e in session.evaluations],
        "cost": [session.cost.forward, session.cost.backward],
        "seconds": session.seconds,
        "held": held(session.optimizer),
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


def held(optimizer: torch.optim.Optimizer) -> int:
    """Numbers of its state that this process holds."""
    values = [v for state in optimizer.state.values() for v in state.values()]
    here = [v.to_local() if hasattr(v, "to_local") else v for v in values]
    return sum(v.numel() for v in here if isinstance(v, torch.Tensor))

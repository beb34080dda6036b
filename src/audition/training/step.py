"""One optimizer step: controls, gradient, update, turnover, each by the recipe."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch.optim import Optimizer

from audition.apoptosis.surgery import Weights, operate
from audition.observers.observer import StepReport
from audition.parts.dropout import set_dropout_gain
from audition.parts.stepping.controls import apply_controls
from audition.parts.stepping.curvature import TakesCurvature
from audition.parts.stepping.together import averaging_of
from audition.recipe import tree
from audition.recipe.batches import Clock
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient, Problem
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors, View
from audition.recipe.turnover import Event
from audition.session import Session
from audition.training.job import Job


def advance(
    job: Job,
    session: Session,
    clock: Clock,
    announce: Callable[[Sequence[Event]], None] = lambda events: None,
) -> StepReport:
    """One optimizer step: the moments of the chain in the order they happen.

    `announce` is told of the events of apoptosis, if there are any, before they are carried out.
    """
    recipe, effects = job.recipe, job.recipe.effects
    controls = recipe.schedule(clock)
    weights: Tensors = session.params
    view = View(clock, controls, weights, session.streams.child("effects"))
    state = session.effects

    controls, state = effects.before_batch(controls, state, view)
    view = replace(view, controls=controls)
    rule, state = effects.wrap_gradient(recipe.gradient, state, view)
    batch = session.batches.train(clock).to(job.execution.device)
    execution = job.execution
    set_dropout_gain(session.model, controls.dropout)
    problem = Problem(
        session.model,
        session.params,
        recipe.loss,
        batch,
        execution.accumulate,
        execution.context,
        clock,
        session.loss,
        execution.ask(),
    )
    gradient = rule(problem)
    with torch.no_grad():
        gradient, state = effects.on_gradients(gradient, state, view)
        norm = None
        if not gradient.closed:
            norm = load_gradients(session, gradient, job.training.clip)
            if job.task.restarts(clock):
                forget(session.optimizer, recipe.optimizer(session.params))
            apply_controls(session.optimizer, controls)
            state = update(recipe, session, state, view)
        session.effects = state
        own = replace(view, streams=session.streams.child("apoptosis"))
        probe = probe_of(job, session, batch.rows)
        events, session.apoptosis = recipe.apoptosis.propose(
            probe, gradient, session.apoptosis, own
        )
        if events:
            announce(events)
        here = Weights(session.model, session.params, session.optimizer)
        for resize in operate(here, events):
            session.widths[resize.site] = resize.count
            session.effects = effects.on_resize(resize, session.params, session.effects)

    session.step += 1
    session.updates += not gradient.closed
    session.units += batch.units
    session.cost += gradient.cost + probe.cost
    meters = partial(effects.meters, session.effects)
    return StepReport(clock, controls, gradient, norm, tuple(events), meters)


def probe_of(job: Job, session: Session, rows: int) -> Probe:
    """The probe that apoptosis gets after a step whose batch has `rows`."""
    text, device = session.batches.probe, job.execution.device
    return Probe(
        session.model,
        lambda number: text(number).to(device),
        rows=rows,
        processes=job.team.size,
        context=job.execution.context,
    )


def load_gradients(session: Session, gradient: Gradient, clip: float | None) -> torch.Tensor | None:
    """Hand the gradients to the parameters and clip them; returns the norm before clipping.

    An optimizer that takes estimates of curvature gets those that were made, which are not clipped.
    """
    for name, parameter in session.params.items():
        grad = gradient.grads.get(name)
        parameter.grad = None if grad is None else laid_out(grad, parameter)
    if gradient.curvature and isinstance(session.optimizer, TakesCurvature):
        session.optimizer.take_curvature(gradient.curvature)
    return None if clip is None else session.clip(clip)


def laid_out(grad: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """`grad` with the strides of `parameter`; itself where it has them.

    Fused optimizers read memory in order, whatever the strides: a transposed gradient, or a
    contiguous one of channels-last weights, would silently be applied to the wrong weights.
    """
    if grad.stride() == parameter.stride():
        return grad
    return torch.empty_like(parameter, dtype=grad.dtype).copy_(grad)


def forget(optimizer: Optimizer, fresh: Optimizer) -> None:
    """Make `optimizer` remember what `fresh` does: nothing. Both are of the same parameters."""
    optimizer.load_state_dict(fresh.state_dict())
    for averaging in averaging_of(optimizer):
        averaging.train()


def update(recipe: Recipe, session: Session, state: Any, view: View) -> Any:
    """Step the optimizer and let the chain see, and change, the updates and then the weights."""
    moments, params = recipe.effects.moments(), session.params
    if "on_updates" in moments:
        before = tree.clone(params)
        session.optimizer.step()
        proposed = tree.subtract(params, before)
        earlier = replace(view, params=before)
        updates, state = recipe.effects.on_updates(proposed, state, earlier)
        changed = {n: before[n] for n in params if updates[n] is not proposed[n]}
        tree.write({n: params[n] for n in changed}, tree.add(changed, updates))
    else:
        session.optimizer.step()
    session.optimizer.zero_grad(set_to_none=True)
    if "on_weights" in moments:
        weights, state = recipe.effects.on_weights(params, state, view)
        tree.write({n: p for n, p in params.items() if weights[n] is not p}, weights)
    return state

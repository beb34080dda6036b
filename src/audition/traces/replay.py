"""Replays a chain of effects on a trace: the effects' own code, on recorded signals, without training.

Shape suffixes: S steps, K tensors, N kept entries of all tensors, M kept entries of one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.recipe import tree
from audition.recipe.batches import Batch, Clock
from audition.recipe.effect import Chain, Effect, Meters, Replays
from audition.recipe.problem import Cost, Gradient, GradientRule, Loss, Problem
from audition.recipe.signals import Controls, Tensors, View
from audition.recipe.streams import Streams
from audition.traces.readings import Readings
from audition.traces.trace import Trace

T = TypeVar("T")


@dataclass(frozen=True)
class Signals:
    """Stand-ins of every tensor: its kept entries, [S, M], with the norm that the whole tensor had."""

    gradients: Mapping[str, Tensor]
    weights: Mapping[str, Tensor]
    updates: Mapping[str, Tensor]
    shares: Mapping[
        str, float
    ]  # of each tensor: √(M / n); entries times it are as large as they were

    @classmethod
    def of(cls, trace: Trace) -> "Signals":
        """Those of a trace. A tensor with a norm whose kept entries are zero gets equal ones."""
        steps = (
            torch.as_tensor(trace.updates).float() / torch.as_tensor(trace.sizes).sqrt()
        )  # [S, K]
        counts = torch.as_tensor(trace.kept)
        moved = torch.as_tensor(trace.update_entries).float() * steps.repeat_interleave(counts, 1)
        first = torch.as_tensor(trace.window_weights)
        path = torch.cat(  # [S, N] before each
            [
                start + moved[span].cumsum(0) - moved[span]
                for start, span in zip(first, trace.spans(), strict=True)
            ]
        )
        entries = {
            "gradients": (torch.as_tensor(trace.gradient_entries).float(), trace.gradients),
            "weights": (path, trace.weights),
            "updates": (torch.as_tensor(trace.update_entries).float(), trace.updates),
        }
        found = {
            kind: {
                name: _with_norms(kept[:, where], torch.as_tensor(norms)[:, k])
                for k, (name, where) in enumerate(trace.parts())
            }
            for kind, (kept, norms) in entries.items()
        }
        shares = (counts / torch.as_tensor(trace.sizes)).sqrt()
        return cls(**found, shares=dict(zip(trace.names, shares.tolist(), strict=True)))

    def at(self, step: int) -> tuple[Tensors, Tensors, Tensors]:
        """Gradients, weights and updates of one step."""
        kinds = (self.gradients, self.weights, self.updates)
        g, w, u = ({name: x[step] for name, x in kind.items()} for kind in kinds)
        return g, w, u


def _with_norms(entries: Tensor, norms: Tensor) -> Tensor:
    """[S, M] entries, scaled so that every row has its norm of [S]."""
    own = entries.norm(dim=1, keepdim=True)
    even = torch.full_like(entries, entries.shape[1] ** -0.5)
    units = torch.where(own > 0, entries / own.clamp(min=torch.finfo(own.dtype).tiny), even)
    return units * norms.float()[:, None]


def replay(trace: Trace, chain: Chain) -> Readings:
    """What each effect of `chain` does to the signals of `trace`, step by step.

    Gradients go through the chain as they were recorded, whatever it did to earlier ones; updates are
    the recorded ones, times the chain's gain on the learning rate. Raises AuditionError for an effect
    that cannot be replayed.
    """
    kinds = {name: how(effect) for name, effect in chain.members.items()}
    for name, effect in chain.members.items():
        if kinds[name] == "no":
            raise AuditionError(
                f"effects.{name} ({_class_of(effect)}) cannot be replayed: it needs whole tensors, or "
                f"gradients that were never recorded; take it out with '~effects.{name}'"
            )
    signals = Signals.of(trace)
    acting = _rebuilt(
        chain, lambda leaf: _Scaled(leaf, signals.shares) if how(leaf) == "values" else leaf
    )
    streams = Streams(trace.seed).child("effects")
    readings: dict[str, list[float]] = {}
    with torch.no_grad():
        state = acting.init(signals.at(0)[1], streams)
        for step in range(len(trace)):
            found, state = _advance(trace, signals, acting, state, streams, step)
            for name, value in found.items():
                readings.setdefault(name, [float("nan")] * step).append(float(value))
            for missing in readings.keys() - found.keys():
                readings[missing].append(float("nan"))
    return Readings(
        run=trace.run,
        key=trace.key,
        windows=tuple((int(trace.at[s][0]), int(trace.at[s][-1]) + 1) for s in trace.spans()),
        of=trace.steps,
        kept=int(trace.kept.sum()),
        entries=int(trace.sizes.sum()),
        kinds=kinds,
        series=readings,
    )


def how(effect: Effect) -> Replays:
    """How an effect is replayed: as the least exact of those that it is made of."""
    order: tuple[Replays, ...] = ("norms", "entries", "values", "no")
    if not effect.moments():
        return "norms"
    inner = [how(each) for _, own in _inner(effect) for each in _effects(own)]
    return max(inner, key=order.index) if inner else effect.replays


def _advance(
    trace: Trace, signals: Signals, chain: Chain, state: Any, streams: Streams, step: int
) -> tuple[dict[str, Tensor | float], Any]:
    """One step as the trainer makes it (`training/step.py`), and its readings."""
    grads, weights, updates = signals.at(step)
    clock = Clock(int(trace.at[step]), trace.steps or None, float(trace.fractions[step]))
    planned = Controls(**dict(zip(trace.controls, map(float, trace.gains[step]), strict=True)))
    view = View(clock, planned, weights, streams)
    controls, state = chain.before_batch(planned, state, view)
    view = replace(view, controls=controls)
    losses = dict(zip(trace.terms, torch.as_tensor(trace.losses[step]).float(), strict=True))
    rule, state = chain.wrap_gradient(_recorded(grads, losses), state, view)
    gradient, state = chain.on_gradients(rule(_nothing(clock)), state, view)
    found: dict[str, Tensor | float] = {"updates": float(not gradient.closed)}
    for name, gain in vars(controls).items():
        before = getattr(planned, name)
        found[f"{name} gain"] = gain / before if before else 1.0
    if not gradient.closed:
        found |= _compared("gradient", grads, gradient.grads)
        proposed = tree.scale(updates, found["lr gain"])
        after, state = chain.on_updates(proposed, state, view)
        found |= _compared("update", updates, after)
        moved = tree.add(weights, after)
        _, state = chain.on_weights(moved, state, replace(view, params=moved))
    return found | dict(chain.meters(state)), state


def _recorded(grads: Tensors, losses: Mapping[str, Tensor]) -> GradientRule:
    def rule(problem: Problem) -> Gradient:
        if not problem.opens(losses):
            return Gradient({}, losses, Cost(forward=1.0), closed=True)
        return Gradient(grads, losses, Cost(1.0, 1.0))

    return rule


def _nothing(clock: Clock) -> Problem:
    """A problem without a model or rows, for a rule that asks for neither."""
    none = torch.zeros(1, dtype=torch.long)
    return Problem(nn.Identity(), {}, Loss(), Batch(none, none, none, none), clock=clock)


def _compared(what: str, before: Tensors, after: Tensors) -> dict[str, Tensor]:
    """How long a signal is after the chain to before, and the cosine between the two."""
    first, second = (torch.cat([x.reshape(-1) for x in each.values()]) for each in (before, after))
    lengths = first.norm().clamp(min=1e-30), second.norm().clamp(min=1e-30)
    cosine = first @ second / (lengths[0] * lengths[1])
    return {f"{what} gain": lengths[1] / lengths[0], f"{what} cosine": cosine}


class _Scaled(Effect):
    """An effect that reads entries at their true values, given stand-ins of that size."""

    def __init__(self, effect: Effect, shares: Mapping[str, float]) -> None:
        self.effect, self.shares = effect, shares

    def moments(self) -> frozenset[str]:
        return self.effect.moments()

    def meters(self, state: Any) -> Meters:
        return self.effect.meters(state)

    def init(self, params: Tensors, streams: Streams) -> Any:
        return self.effect.init(self._down(params), streams)

    def before_batch(self, controls: Controls, state: Any, view: View) -> tuple[Controls, Any]:
        return self.effect.before_batch(controls, state, self._seen(view))

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        return self.effect.wrap_gradient(rule, state, self._seen(view))

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        given = gradient.with_grads(self._down(gradient.grads))
        after, state = self.effect.on_gradients(given, state, self._seen(view))
        return after.with_grads(self._up(after.grads)), state

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        after, state = self.effect.on_updates(self._down(updates), state, self._seen(view))
        return self._up(after), state

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        after, state = self.effect.on_weights(self._down(params), state, self._seen(view))
        return self._up(after), state

    def _seen(self, view: View) -> View:
        return replace(view, params=self._down(view.params))

    def _down(self, signal: Tensors) -> Tensors:
        return tree.scale(signal, self._of(signal))

    def _up(self, signal: Tensors) -> Tensors:
        return tree.divide(signal, self._of(signal))

    def _of(self, signal: Tensors) -> Tensor:
        return torch.tensor([self.shares[name] for name in signal])


def _rebuilt(value: T, leaf: Callable[[Effect], Effect]) -> T:
    """An effect made of others (a chain, a mix, a preset of phases) with each of those replaced."""
    made = {name: own for name, own in _inner(value) if any(_effects(own))}
    if not made:
        return leaf(value) if isinstance(value, Effect) else value  # type: ignore[return-value]
    return replace(value, **{name: _inside(own, leaf) for name, own in made.items()})  # type: ignore


def _inside(value: Any, leaf: Callable[[Effect], Effect]) -> Any:
    if isinstance(value, Mapping):
        return {name: _inside(each, leaf) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_inside(each, leaf) for each in value)
    return _rebuilt(value, leaf)


def _inner(value: Any) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value) and not isinstance(value, type):
        yield from ((each.name, getattr(value, each.name)) for each in fields(value) if each.init)


def _effects(value: Any) -> Iterator[Effect]:
    if isinstance(value, Effect):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _effects(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _effects(each)


def _class_of(effect: Effect) -> str:
    inner = getattr(effect, "effect", effect)
    return type(inner).__name__

"""Whether two effects may change places: how far their two orders lie apart on recorded steps."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch

from audition.recipe import tree
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Gradient
from audition.recipe.signals import Controls, Tensors, View


@dataclass(frozen=True)
class Step:
    """What a step of a run without effects handed to its chain: a copy of every signal."""

    view: View
    gradient: Gradient
    updates: Tensors
    weights: Tensors  # after the update


def commutator(first: Effect, second: Effect, steps: Sequence[Step]) -> float:
    """‖AB − BA‖ / ‖AB‖, A before B against B before A, of the signal where it is largest.

    The signals are the controls' gains, the gradients, the updates and the weights of `steps`, in
    order, each norm over all of their entries and steps. 0: the two commute, bit for bit. Both orders
    begin from fresh states and draw the same random numbers. A signal that both orders make zero says
    nothing. Wrapped gradient rules cannot be replayed: of two effects that both wrap them and are
    alike in all else, it is not a number.

    Examples:
        >>> import torch
        >>> from audition import Clock, Cost, Streams
        >>> class Gain(Effect):
        ...     def on_updates(self, updates, state, view):
        ...         return tree.scale(updates, 0.5), state
        >>> class Cut(Effect):
        ...     def on_updates(self, updates, state, view):
        ...         return {name: u.clamp(max=1.0) for name, u in updates.items()}, state
        >>> w = {"w": torch.tensor([4.0])}
        >>> view = View(Clock(0), Controls(), w, Streams(42))
        >>> steps = [Step(view, Gradient(w, {}, Cost()), w, w)]
        >>> commutator(Gain(), Gain(), steps), commutator(Gain(), Cut(), steps)
        (0.0, 0.5)
    """
    one = replayed(Chain({"first": first, "second": second}), steps)
    other = replayed(Chain({"second": second, "first": first}), steps)
    apart = []
    for signal in one:
        size = _norm(one[signal])
        gap = _norm([_apart(a, b) for a, b in zip(one[signal], other[signal], strict=True)])
        if gap:
            apart.append(gap / size if size else math.inf)
    unseen = all("wrap_gradient" in effect.moments() for effect in (first, second))
    return max(apart, default=math.nan if unseen else 0.0)


def commutators(chain: Chain, steps: Sequence[Step]) -> dict[tuple[str, str], float]:
    """The commutator of every two members of a chain, the largest first."""
    found = {
        (a, b): commutator(chain.members[a], chain.members[b], steps)
        for a, b in combinations(chain.members, 2)
    }
    return dict(sorted(found.items(), key=lambda pair: -1.0 if pair[1] != pair[1] else -pair[1]))


def replayed(chain: Chain, steps: Sequence[Step]) -> Mapping[str, list[Tensors]]:
    """What a chain makes of recorded signals: moment -> one tree a step.

    Each step is as it was recorded: what the chain does at one is not seen by the next.
    """
    found: dict[str, list[Tensors]] = {}
    moments = chain.moments()
    state = chain.init(steps[0].view.params, steps[0].view.streams) if steps else {}
    for step in steps:
        view = step.view
        made: dict[str, Tensors] = {}
        if "before_batch" in moments:
            gains, state = chain.before_batch(Controls(), state, view)
            made["before_batch"] = {n: torch.tensor(v) for n, v in vars(gains).items()}
        if "on_gradients" in moments:
            gradient, state = chain.on_gradients(step.gradient, state, view)
            made["on_gradients"] = tree.clone(gradient.grads)
        if "on_updates" in moments:
            updates, state = chain.on_updates(step.updates, state, view)
            made["on_updates"] = tree.clone(updates)
        if "on_weights" in moments:
            weights, state = chain.on_weights(step.weights, state, view)
            made["on_weights"] = tree.clone(weights)
        for moment, signal in made.items():
            found.setdefault(moment, []).append(signal)
    return found


def _apart(first: Tensors, second: Tensors) -> Tensors:
    """The difference of two trees; what is missing in one counts as zero."""
    shared = {name: x for name, x in first.items() if name in second}
    alone = {n: x for each in (first, second) for n, x in each.items() if n not in shared}
    return {**tree.subtract(shared, second), **alone}


def _norm(trees: Sequence[Tensors]) -> float:
    return math.sqrt(sum(float(tree.norms(each).square().sum()) for each in trees if each))

"""Ensemble: several chains of effects side by side, each on its own copy of every signal."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from annotated_types import Ge

from audition.errors import AuditionError
from audition.recipe import blend, tree
from audition.recipe.effect import Chain, Effect, Meters, State
from audition.recipe.problem import Gradient, GradientRule
from audition.recipe.signals import Controls, Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize

Blend = Callable[[Any, Any, float], Any]


@dataclass(frozen=True, kw_only=True)
class Ensemble(Effect):
    """Every signal becomes the weighted mean of what each member of `chains` makes of it.

    All are handed the same signal, and each has a state of its own; nothing that one does is seen by
    another before the next moment of the step. Members draw from the same streams, so that a chain
    beside its own copy is that chain, bit for bit; a member of weight 0 is left out. What is averaged
    is what `Mix` blends: gains, gradients, updates, weights, those of evaluation. A member that closes
    the step counts as gradients of zero; a wrapped gradient rule is asked beside the others, and all
    passes are counted, each with its own dropout masks.

    Meters: those of each member, after its name.
    """

    chains: Chain
    """What stands side by side: a name and an effect each, a chain as a rule."""
    weights: tuple[Annotated[float, Ge(0)], ...] = ()
    """Share of each in the mean, up to a common factor; none are equal shares."""

    def __post_init__(self) -> None:
        names, weights = list(self.chains.members), list(self.weights)
        if not names:
            raise AuditionError("an ensemble has at least one chain")
        if weights and (len(weights) != len(names) or not any(weights)):
            raise AuditionError(
                f"weights={weights} of the chains {names}: each has one, and one is above 0"
            )

    @cached_property
    def _members(self) -> dict[str, tuple[Effect, float]]:
        """Those that count, each with its share in the mean of itself and those before it."""
        names = self.chains.members
        weights = self.weights or (1.0,) * len(names)
        found: dict[str, tuple[Effect, float]] = {}
        total = 0.0
        for (name, effect), weight in zip(names.items(), weights, strict=True):
            if weight:
                total += weight
                found[name] = (effect, weight / total)
        return found

    def moments(self) -> frozenset[str]:
        return frozenset().union(*(effect.moments() for effect, _ in self._members.values()))

    def init(self, params: Tensors, streams: Streams) -> State:
        return {name: effect.init(params, streams) for name, (effect, _) in self._members.items()}

    def before_batch(self, controls: Controls, state: State, view: View) -> tuple[Controls, State]:
        return self._mean("before_batch", blend.controls, controls, state, view)

    def wrap_gradient(
        self, rule: GradientRule, state: State, view: View
    ) -> tuple[GradientRule, State]:
        return self._mean("wrap_gradient", blend.rules, rule, state, view)

    def on_gradients(self, gradient: Gradient, state: State, view: View) -> tuple[Gradient, State]:
        return self._mean("on_gradients", blend.gradients, gradient, state, view)

    def on_updates(self, updates: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        return self._mean("on_updates", tree.lerp, updates, state, view)

    def on_weights(self, params: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        return self._mean("on_weights", tree.lerp, params, state, view)

    def on_evaluation(self, params: Tensors, state: State, view: View) -> Tensors:
        mean: Tensors | None = None
        for name, (effect, share) in self._members.items():
            seen = effect.on_evaluation(params, state[name], view)
            mean = seen if mean is None else tree.lerp(mean, seen, share)
        return params if mean is None else mean

    def on_resize(self, resize: Resize, params: Tensors, state: State) -> State:
        return {
            name: effect.on_resize(resize, params, state[name])
            for name, (effect, _) in self._members.items()
        }

    def meters(self, state: State) -> Meters:
        return {
            f"{name}/{meter}": value
            for name, (effect, _) in self._members.items()
            for meter, value in effect.meters(state[name]).items()
        }

    def _mean(
        self, moment: str, between: Blend, signal: Any, state: State, view: View
    ) -> tuple[Any, State]:
        after = dict(state)
        mean = None
        for name, (effect, share) in self._members.items():
            made, after[name] = (
                getattr(effect, moment)(signal, state[name], view)
                if moment in effect.moments()
                else (signal, state[name])
            )
            mean = made if mean is None else between(mean, made, share)
        return mean, after

"""Effects of several runs as one effect: each of its moments is that of every run by itself."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from audition.errors import AuditionError
from audition.observers.checkpoint import Say
from audition.recipe.effect import Chain, Effect, Meters
from audition.recipe.problem import Gradient, GradientRule
from audition.recipe.signals import Controls, Tensors, View
from audition.recipe.streams import Streams
from audition.training.packing.over_runs import at_once, one_by_one


class PackedEffect(Effect):
    """An effect on S runs: states and signals have a leading axis of runs.

    A moment is computed for all runs at once. One that cannot be (it reads a tensor's value, or
    draws from its run's own stream) is computed run by run from then on: the same numbers, S times
    the calls.

    Evaluations and meters are of one run: they see its own state.
    """

    def __init__(self, name: str, effect: Effect, seeds: tuple[int, ...], say: Say) -> None:
        self.name, self.effect, self.seeds, self.say = name, effect, seeds, say
        self.run_by_run = {"before_batch"}  # its gains are numbers, which must be the same for all

    def moments(self) -> frozenset[str]:
        return self.effect.moments() - {"on_evaluation"}

    def before_batch(self, controls: Controls, state: Any, view: View) -> tuple[Controls, Any]:
        def moment(own: View, state: Any) -> Any:
            return self.effect.before_batch(controls, state, own)

        return self._over("before_batch", moment, view, state)  # type: ignore[no-any-return]

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        return self.effect.wrap_gradient(rule, state, view)

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        def moment(own: View, parts: Any, state: Any) -> Any:
            grads, terms, halves, readings = parts
            mine = replace(gradient, grads=grads, terms=terms, halves=halves, readings=readings)
            after, state = self.effect.on_gradients(mine, state, own)
            told = dict(after.readings)
            values = (dict(after.grads), dict(after.terms), tuple(map(dict, after.halves)), told)
            return values, (after.cost, after.closed), state

        halves = tuple(dict(half) for half in gradient.halves)
        parts = (dict(gradient.grads), dict(gradient.terms), halves, dict(gradient.readings))
        values, (cost, closed), state = self._over("on_gradients", moment, view, parts, state)
        grads, terms, halves, readings = values
        seen = replace(gradient, grads=grads, terms=terms, halves=halves, readings=readings)
        return replace(seen, cost=cost, closed=closed), state

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        return self._on_tensors("on_updates", updates, state, view)

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        return self._on_tensors("on_weights", params, state, view)

    def meters(self, state: Any) -> Meters:
        return self.effect.meters(state)

    def _on_tensors(
        self, name: str, tensors: Tensors, state: Any, view: View
    ) -> tuple[Tensors, Any]:
        def moment(own: View, tensors: Any, state: Any) -> Any:
            after, state = getattr(self.effect, name)(tensors, state, own)
            return dict(after), state

        return self._over(name, moment, view, dict(tensors), state)  # type: ignore[no-any-return]

    def _over(self, name: str, moment: Callable[..., Any], view: View, *trees: Any) -> Any:
        """`moment(view, *trees)` of every run."""
        params = dict(view.params)

        def shared(params: Tensors, *own: Any) -> Any:
            return moment(replace(view, params=params, streams=_NoStream(0)), *own)

        def of_place(place: int, params: Tensors, *own: Any) -> Any:
            streams = Streams(self.seeds[place], view.streams.path)
            return moment(replace(view, params=params, streams=streams), *own)

        if name not in self.run_by_run:
            try:
                return at_once(shared, params, *trees)
            except Exception as error:
                why = str(error).partition("\n")[0]
                self.say(f"effects.{self.name} goes run by run through the pack ({why})")
                self.run_by_run.add(name)
        try:
            return one_by_one(of_place, len(self.seeds), params, *trees)
        except AuditionError as error:
            raise AuditionError(
                f"effects.{self.name} {error}, so its runs cannot be packed: set execution.pack=off"
            ) from None


def packed_chain(chain: Chain, seeds: tuple[int, ...], say: Say) -> Chain:
    """The chain of S runs, each link packed by itself."""
    members = chain.members.items()
    return Chain({name: PackedEffect(name, effect, seeds, say) for name, effect in members})


class _NoStream(Streams):
    """What an effect of all runs at once gets for a stream: each run has its own."""

    def child(self, *names: str) -> "Streams":
        return self

    def number(self, *names: str | int) -> int:
        raise LookupError("it draws from the stream of its run")

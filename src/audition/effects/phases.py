"""Phases: one chain of effects after another, as the budget is spent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Interval

from audition.errors import AuditionError
from audition.recipe.effect import Chain, Effect, Meters, State
from audition.recipe.mix import Mix
from audition.recipe.problem import Gradient, GradientRule
from audition.recipe.signals import Controls, Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Phases(Effect):
    """Each member of `chains` acts alone, from its start to the start of the next.

    The phase of a step is the last whose start is at most the share of the budget spent before the
    step: with starts 0, 0.3 and ten steps, steps 0 to 2 are of the first and step 3 is of the second.
    A phase begins with `init` at the weights that are live then, and with the streams of the whole,
    so that within it all is as if its chain had been there alone from that weight on. What evaluators
    see is decided by the phase of the last step.

    `carry` says what becomes of states. With `matching`, an effect keeps its own where the phase
    before had one of the same name and class that acted, whatever its settings were; with `reset`
    none does. A state is kept while its phase lasts, and no longer.

    Meters: `phase`, counted from 0, and those of the effects that act now.
    """

    chains: Chain
    """The phases in order: a name and an effect each, a chain as a rule."""
    starts: tuple[Annotated[float, Interval(ge=0, lt=1)], ...]
    """Share of the budget at which each begins: 0 first, then rising."""
    carry: Literal["reset", "matching"] = "reset"
    """Whether an effect that the phase before had too keeps its state."""

    def __post_init__(self) -> None:
        names, starts = list(self.chains.members), list(self.starts)
        if not names or len(names) != len(starts):
            raise AuditionError(f"phases {names} have starts={starts}: each has one start")
        if starts[0] > 0.0:
            raise AuditionError(
                f"starts={starts} leave a gap: nothing is said of the run before {starts[0]}, so the "
                "first start is 0"
            )
        for name, start, last in zip(names[1:], starts[1:], starts, strict=False):
            if start <= last:
                raise AuditionError(
                    f"starts={starts} overlap: phase '{name}' begins at {start}, and the one before it "
                    f"at {last}"
                )

    def moments(self) -> frozenset[str]:
        # A phase begins before its first step, also where none of its effects listens to that.
        return frozenset({"before_batch"}).union(self.chains.moments())

    def init(self, params: Tensors, streams: Streams) -> State:
        return {"phase": 0, "own": self._at(0).init(params, streams)}

    def before_batch(self, controls: Controls, state: State, view: View) -> tuple[Controls, State]:
        return self._now("before_batch", controls, self._begun(state, view), view)

    def wrap_gradient(
        self, rule: GradientRule, state: State, view: View
    ) -> tuple[GradientRule, State]:
        return self._now("wrap_gradient", rule, state, view)

    def on_gradients(self, gradient: Gradient, state: State, view: View) -> tuple[Gradient, State]:
        return self._now("on_gradients", gradient, state, view)

    def on_updates(self, updates: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        return self._now("on_updates", updates, state, view)

    def on_weights(self, params: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        return self._now("on_weights", params, state, view)

    def on_evaluation(self, params: Tensors, state: State, view: View) -> Tensors:
        return self._at(state["phase"]).on_evaluation(params, state["own"], view)

    def on_resize(self, resize: Resize, params: Tensors, state: State) -> State:
        own = self._at(state["phase"]).on_resize(resize, params, state["own"])
        return {**state, "own": own}

    def meters(self, state: Mapping[str, Any]) -> Meters:
        own = self._at(state["phase"]).meters(state["own"])
        return {"phase": float(state["phase"]), **own}

    def _at(self, phase: int) -> Effect:
        return list(self.chains.members.values())[phase]

    def _now(self, moment: str, signal: Any, state: State, view: View) -> tuple[Any, State]:
        effect = self._at(state["phase"])
        if moment not in effect.moments():
            return signal, state
        signal, own = getattr(effect, moment)(signal, state["own"], view)
        return signal, {**state, "own": own}

    def _begun(self, state: State, view: View) -> State:
        """The state at the start of a step: that of a new phase where one begins."""
        phase = sum(start <= view.clock.fraction for start in self.starts) - 1
        if phase == state["phase"]:
            return state
        after = self._at(phase)
        own = after.init(view.params, view.streams)
        if self.carry == "matching":
            own = carried(self._at(state["phase"]), state["own"], after, own)
        return {"phase": phase, "own": own}


def carried(before: Effect, kept: State, after: Effect, fresh: State) -> State:
    """The state of `after`: what `before` left, effect by effect, where name and class are the same."""
    if isinstance(before, Mix) or isinstance(after, Mix):
        return carried(bare(before), kept, bare(after), fresh)
    if isinstance(before, Chain) and isinstance(after, Chain):
        return {
            name: carried(before.members[name], kept[name], effect, fresh[name])
            if name in before.members
            else fresh[name]
            for name, effect in after.members.items()
        }
    alike = type(before) is type(after) and before.moments() == after.moments()
    return kept if alike and after.moments() else fresh


def bare(effect: Effect) -> Effect:
    """The effect inside a `Mix`; one that never acts where the mix leaves it out."""
    if not isinstance(effect, Mix):
        return effect
    return bare(effect.effect) if effect.moments() else Effect()

"""The interface of a training-dynamics plug-in, and the chain that composes several into one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from torch import Tensor

from audition.errors import AuditionError
from audition.recipe.problem import Gradient, GradientRule
from audition.recipe.signals import Controls, Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize

State = Any
"""Whatever an effect remembers: a value made of tensors, numbers, strings, tuples, lists, dicts."""

Meters = Mapping[str, Tensor | float]
"""Name -> a reading of an effect's state: a number, or a tensor without axes."""

Replays = Literal["norms", "entries", "values", "no"]

STEP = ("before_batch", "wrap_gradient", "on_gradients", "on_updates", "on_weights")
"""The moments of a training step, in the order they happen."""

MOMENTS = (*STEP, "on_evaluation")


class Effect:
    """A plug-in that listens to any of five moments of a training step, and to evaluations.

    Each moment is the identity by default. Those of a step map (signal, state, view) to (signal,
    state); nothing is edited in place. State is a value, so it is checkpointed and resumed without
    the effect's help. The tensors of a signal are valid during the call alone (gradients are
    clipped in place afterwards): a state keeps clones.

    A subclass says, where it can, which settings make it the identity (`neutral`) and which make it
    act within a few steps (`active`), each as a `ClassVar` with a literal dictionary: the laws are
    then held against both. One that works entry by entry, and asks `recipe.tree` for whatever it wants
    to know of whole tensors, says `sharded = True` and is then trained with under `parallel=fsdp` too.

    One that wraps the gradient rule declares `packs = True` where the rule may be asked for several
    runs at once, with a leading axis of runs on every tensor (`execution.pack`): where it looks at
    the clock and at other rules alone. Every other moment packs by itself.

    Examples:
        Every update at half its length, with a meter of what was left of it:

        >>> import torch
        >>> from audition import Clock, Controls, Effect, Streams, View
        >>> from audition.recipe import tree
        >>> class Halved(Effect):
        ...     def on_updates(self, updates, state, view):
        ...         halved = tree.scale(updates, 0.5)
        ...         return halved, {"length": tree.norms(halved).norm()}
        ...
        ...     def meters(self, state):
        ...         return {} if state is None else {"length": state["length"]}
        >>> view = View(Clock(0), Controls(), {"w": torch.zeros(2)}, Streams(42))
        >>> halved, state = Halved().on_updates({"w": torch.tensor([6.0, 8.0])}, None, view)
        >>> halved, Halved().meters(state)
        ({'w': tensor([3., 4.])}, {'length': tensor(5.)})
        >>> sorted(Halved().moments())
        ['on_updates']
    """

    sharded: ClassVar[bool] = False
    replays: ClassVar[Replays] = "no"
    """How `audition trace` may replay it: exactly, where it reads `norms` of tensors, losses and
    clocks, and scales; on some of each tensor's `entries`, in one axis, which have the whole tensor's
    norm; on the same at their true `values`, where it compares entries with a constant or averages
    them; or not, where it needs tensors of their own shape, or gradients at other weights."""

    def init(self, params: Tensors, streams: Streams) -> State:
        """The state before the first step."""
        return None

    def before_batch(self, controls: Controls, state: State, view: View) -> tuple[Controls, State]:
        """Change this step's gains on learning rate, momentum, weight decay or dropout."""
        return controls, state

    def wrap_gradient(
        self, rule: GradientRule, state: State, view: View
    ) -> tuple[GradientRule, State]:
        """Wrap or replace how this step's batch becomes gradients."""
        return rule, state

    def on_gradients(self, gradient: Gradient, state: State, view: View) -> tuple[Gradient, State]:
        """Change the gradients before they are clipped and given to the optimizer."""
        return gradient, state

    def on_updates(self, updates: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        """Change p_new - p_old: the place for gains, which Adam would cancel on gradients."""
        return updates, state

    def on_weights(self, params: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        """Replace weights after the update; return the same tensor for a weight left alone."""
        return params, state

    def on_evaluation(self, params: Tensors, state: State, view: View) -> Tensors:
        """The weights that evaluators see in place of the live ones, such as an average of them.

        Return the same tensor for a weight left alone. The trainer puts the live weights back, bit
        for bit; buffers (running statistics) stay what they are. `view.controls` are neutral.
        """
        return params

    def on_resize(self, resize: Resize, params: Tensors, state: State) -> State:
        """The state after a layer was given more or fewer units; `params` have the new shapes.

        As it is, by default: an effect that remembers anything of a parameter's shape says here how
        that follows, for one with `resize.follow`.
        """
        return state

    def meters(self, state: State) -> Meters:
        """Readings of what the effect does, by name, computed from its state on logged steps; pure.

        They are written to `metrics.jsonl` as `effects/NAME/METER`, and from there to trackers, to
        `audition watch` and to the report.
        """
        return {}

    def moments(self) -> frozenset[str]:
        """The moments this effect listens to; the trainer skips the work of the others."""
        kind = type(self)
        return frozenset(m for m in MOMENTS if getattr(kind, m) is not getattr(Effect, m))


@dataclass(frozen=True)
class Chain(Effect):
    """Effects in the order written, each with its own state and stream. `Chain()` is the identity.

    Examples:
        >>> from audition import Chain, Effect
        >>> class Averaged(Effect):
        ...     def on_evaluation(self, params, state, view):
        ...         return params
        >>> chain = Chain().then("averaged", Averaged())
        >>> list(chain.members), sorted(chain.moments())
        (['averaged'], ['on_evaluation'])
    """

    members: Mapping[str, Effect] = field(default_factory=dict)

    def then(self, name: str, effect: Effect) -> "Chain":
        """This chain with `effect` after its last. AuditionError where it has one of that name."""
        if name in self.members:
            raise AuditionError(
                f"the chain already has an effect named '{name}': give one another name"
            )
        return Chain({**self.members, name: effect})

    def init(self, params: Tensors, streams: Streams) -> dict[str, State]:
        return {name: e.init(params, streams.child(name)) for name, e in self.members.items()}

    def moments(self) -> frozenset[str]:
        return frozenset().union(*(effect.moments() for effect in self.members.values()))

    def before_batch(self, controls: Controls, state: State, view: View) -> tuple[Controls, State]:
        return self._fold("before_batch", controls, state, view)

    def wrap_gradient(
        self, rule: GradientRule, state: State, view: View
    ) -> tuple[GradientRule, State]:
        return self._fold("wrap_gradient", rule, state, view)

    def on_gradients(self, gradient: Gradient, state: State, view: View) -> tuple[Gradient, State]:
        return self._fold("on_gradients", gradient, state, view)

    def on_updates(self, updates: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        return self._fold("on_updates", updates, state, view)

    def on_weights(self, params: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        return self._fold("on_weights", params, state, view)

    def on_evaluation(self, params: Tensors, state: State, view: View) -> Tensors:
        for name, effect in self.members.items():
            if "on_evaluation" in effect.moments():
                own = replace(view, streams=view.streams.child(name))
                params = effect.on_evaluation(params, state[name], own)
        return params

    def on_resize(self, resize: Resize, params: Tensors, state: State) -> State:
        return {n: e.on_resize(resize, params, state[n]) for n, e in self.members.items()}

    def meters(self, state: State) -> Meters:
        return {
            f"{name}/{meter}": value
            for name, effect in self.members.items()
            for meter, value in effect.meters(state[name]).items()
        }

    def _fold(self, moment: str, signal: Any, state: State, view: View) -> tuple[Any, State]:
        after = dict(state)
        for name, effect in self.members.items():
            if moment in effect.moments():
                own = replace(view, streams=view.streams.child(name))
                signal, after[name] = getattr(effect, moment)(signal, after[name], own)
        return signal, after


def chained(*, members: Mapping[str, Effect]) -> Chain:
    """A chain of `members`, as the node of a config says it: a chain within another."""
    return Chain(members)

"""Mix: an effect and its absence, blended; the wet and dry of an audio plug-in."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Interval

from audition.recipe import blend, tree
from audition.recipe.effect import Effect, Meters, State
from audition.recipe.problem import Gradient, GradientRule
from audition.recipe.signals import Controls, Tensors, View
from audition.recipe.streams import Streams
from audition.recipe.units import Resize


@dataclass(frozen=True, kw_only=True)
class Mix(Effect):
    """Every signal becomes dry + wet x (what `effect` makes of it - dry), moment by moment.

    At wet 0 and when bypassed it is the exact identity, at wet 1 the effect itself, bit for bit. In
    between, what is blended is

    * each gain of the controls, the gradients, the updates, the weights, those of evaluation;
    * a step that the effect closes: its gradients count as zero, so (1 - wet) of the dry ones are
      left and the step is made. It stays closed where both are;
    * a wrapped gradient rule: both rules are asked, the dry one first, their gradients and terms are
      blended, and the passes of both are counted. `halves` are the wrapped rule's.

    State is the effect's, and evolves as if it were wet alone; so are the meters.

    Examples:
        Half of an effect that would stop every update, as `effects.NAME.wet=0.5` makes it:

        >>> import torch
        >>> from audition import Clock, Controls, Effect, Mix, Streams, View
        >>> from audition.recipe import tree
        >>> class Stopped(Effect):
        ...     def on_updates(self, updates, state, view):
        ...         return tree.scale(updates, 0.0), state
        >>> half = Mix(effect=Stopped(), wet=0.5)
        >>> view = View(Clock(0), Controls(), {"w": torch.zeros(1)}, Streams(42))
        >>> half.on_updates({"w": torch.tensor([1.0])}, None, view)
        ({'w': tensor([0.5000])}, None)
        >>> Mix(effect=Stopped(), wet=0.0).moments()
        frozenset()
    """

    neutral: ClassVar[dict[str, object]] = {"wet": 0.0}

    effect: Effect
    """What is mixed in."""
    wet: Annotated[float, Interval(ge=0, le=1)] = 1.0
    """Share of the effect: 0 is without it, 1 is the effect alone."""
    bypass: bool = False
    """Whether it is left out, whatever `wet` says."""

    def moments(self) -> frozenset[str]:
        return self.effect.moments() if self._acts else frozenset()

    @property
    def _acts(self) -> bool:
        return self.wet > 0.0 and not self.bypass

    def init(self, params: Tensors, streams: Streams) -> State:
        return self.effect.init(params, streams) if self._acts else None

    def on_resize(self, resize: Resize, params: Tensors, state: State) -> State:
        return self.effect.on_resize(resize, params, state) if self._acts else state

    def meters(self, state: State) -> Meters:
        return self.effect.meters(state) if self._acts else {}

    def before_batch(self, controls: Controls, state: State, view: View) -> tuple[Controls, State]:
        after, state = self._asked("before_batch", controls, state, view)
        return blend.controls(controls, after, self.wet), state

    def wrap_gradient(
        self, rule: GradientRule, state: State, view: View
    ) -> tuple[GradientRule, State]:
        wrapped, state = self._asked("wrap_gradient", rule, state, view)
        return blend.rules(rule, wrapped, self.wet), state

    def on_gradients(self, gradient: Gradient, state: State, view: View) -> tuple[Gradient, State]:
        after, state = self._asked("on_gradients", gradient, state, view)
        return blend.gradients(gradient, after, self.wet), state

    def on_updates(self, updates: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        after, state = self._asked("on_updates", updates, state, view)
        return tree.lerp(updates, after, self.wet), state

    def on_weights(self, params: Tensors, state: State, view: View) -> tuple[Tensors, State]:
        after, state = self._asked("on_weights", params, state, view)
        return tree.lerp(params, after, self.wet), state

    def on_evaluation(self, params: Tensors, state: State, view: View) -> Tensors:
        if not self._acts:
            return params
        return tree.lerp(params, self.effect.on_evaluation(params, state, view), self.wet)

    def _asked(self, moment: str, signal: Any, state: State, view: View) -> tuple[Any, State]:
        """What the effect makes of a signal; the signal itself where it does not act."""
        return getattr(self.effect, moment)(signal, state, view) if self._acts else (signal, state)

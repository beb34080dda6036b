"""A run as a value: every part that an idea may swap. An idea is a function Recipe -> Recipe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from torch import nn
from torch.optim import Optimizer

from audition.recipe.batches import Batches, Clock
from audition.recipe.effect import Chain, Effect
from audition.recipe.evaluator import Evaluator
from audition.recipe.problem import GradientRule, Loss
from audition.recipe.signals import Controls
from audition.recipe.streams import Streams
from audition.recipe.turnover import Turnover

Schedule = Callable[[Clock], Controls]
"""Where a run stands, to the gains of its next step."""


@dataclass(frozen=True)
class Recipe:
    """Every part of a run that an idea may swap; each is a factory or a rule the trainer calls.

    Examples:
        An idea is a function that returns a changed recipe. This one halves the schedule's rate:

        >>> from dataclasses import replace
        >>> from audition import Clock, Controls, Recipe
        >>> def halved_rate(recipe: Recipe) -> Recipe:
        ...     def schedule(clock):
        ...         controls = recipe.schedule(clock)
        ...         return replace(controls, lr=0.5 * controls.lr)
        ...
        ...     return replace(recipe, schedule=schedule)
        >>> baseline = Recipe(  # a run has all of its parts; this idea needs the schedule alone
        ...     data=None, model=None, loss=None, gradient=None, optimizer=None,
        ...     schedule=lambda clock: Controls(),
        ... )
        >>> halved_rate(baseline).schedule(Clock(0)).lr
        0.5
    """

    data: Callable[[Streams], Batches]
    model: "partial[nn.Module]"  # (shape) -> module; attention, norm, ... are keyword parts
    loss: Loss
    gradient: GradientRule
    optimizer: Callable[[Mapping[str, nn.Parameter]], Optimizer]
    schedule: Schedule
    evaluators: Mapping[str, Evaluator] = field(default_factory=dict)  # beside those of the task
    effects: Chain = field(default_factory=Chain)
    apoptosis: Turnover = field(default_factory=Turnover)

    def with_model(self, **parts: object) -> "Recipe":
        """This recipe with parts of its model replaced, e.g. `with_model(attention=...)`."""
        return replace(self, model=partial(self.model, **parts))

    def with_change(self, change: Callable[[nn.Module], None]) -> "Recipe":
        """This recipe with `change` made to every model that it constructs, before its first weights.

        For what no part of the model decides, such as a hook on every block.
        """
        constructs = self.model

        def changed(*given: object, **parts: object) -> nn.Module:
            model = constructs.func(*given, **parts)
            change(model)
            return model

        return replace(self, model=partial(changed, *constructs.args, **constructs.keywords))

    def with_effect(self, name: str, effect: Effect) -> "Recipe":
        """This recipe with `effect` after the last of its chain."""
        return replace(self, effects=self.effects.then(name, effect))


Idea = Callable[[Recipe], Recipe]
"""The baseline is the identity, and two ideas compose."""


@dataclass(frozen=True, kw_only=True)
class Absent:
    """Takes the place of a part in a config whose model does without it."""

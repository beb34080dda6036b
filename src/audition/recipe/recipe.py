"""A run as a value: every part that an idea may swap. An idea is a function Recipe -> Recipe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from torch import nn
from torch.optim import Optimizer

from audition.recipe.effect import Chain, Effect
from audition.recipe.evaluator import Evaluator
from audition.recipe.signals import Batches, Clock, Controls, GradientRule, Loss
from audition.recipe.streams import Streams
from audition.recipe.turnover import Turnover


@dataclass(frozen=True)
class Recipe:
    """Every part of a run that an idea may swap; each is a factory or a rule the trainer calls."""

    data: Callable[[Streams], Batches]
    model: "partial[nn.Module]"  # (shape) -> module; attention, norm, ... are keyword parts
    loss: Loss
    gradient: GradientRule
    optimizer: Callable[[Mapping[str, nn.Parameter]], Optimizer]
    schedule: Callable[[Clock], Controls]
    evaluators: Mapping[str, Evaluator] = field(default_factory=dict)  # beside those of the task
    effects: Chain = field(default_factory=Chain)
    apoptosis: Turnover = field(default_factory=Turnover)

    def with_model(self, **parts: object) -> "Recipe":
        """This recipe with parts of its model replaced, e.g. `with_model(attention=...)`."""
        return replace(self, model=partial(self.model, **parts))

    def with_effect(self, name: str, effect: Effect) -> "Recipe":
        """This recipe with `effect` after the last of its chain."""
        return replace(self, effects=self.effects.then(name, effect))


Idea = Callable[[Recipe], Recipe]
"""The baseline is the identity, and two ideas compose."""

"""Small values of a step: trees of tensors, controls, and the view that an effect gets."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from audition.recipe.batches import Clock
from audition.recipe.streams import Streams

Tensors = Mapping[str, Tensor]
"""Parameter name -> tensor of that parameter's shape."""

Readings = Mapping[str, Tensor]
"""What effects tell those after them in the chain, by name: tensors without axes."""

COMPLEXITY = "complexity"
"""Reading: half the mean squared distance of the weights from their anchor."""


@dataclass(frozen=True)
class Controls:
    """Gains on the settings of optimizer, model and anchor, made fresh every step.

    1.0 leaves a setting as configured, so `Controls()` is the neutral element, and nothing can
    compound from step to step: a rate is always its configured value times this step's gain.

    Examples:
        >>> from audition import Controls
        >>> Controls(lr=0.5)
        Controls(lr=0.5, momentum=1.0, weight_decay=1.0, dropout=1.0, anchor=1.0)
    """

    lr: float = 1.0
    momentum: float = 1.0
    weight_decay: float = 1.0
    dropout: float = 1.0
    anchor: float | Tensor = 1.0  # the one gain that may be a tensor [], measured by an effect


@dataclass(frozen=True)
class View:
    """All that an effect may know beyond its signal. Validation data and losses are not included.

    Examples:
        Noise that is the same whenever this step of this seed is made:

        >>> import torch
        >>> from audition import Clock, Controls, Streams, View
        >>> view = View(Clock(3), Controls(), {"w": torch.ones(2)}, Streams(42).child("mine"))
        >>> generator = view.streams.generator("noise", view.clock.step)
        >>> torch.randn(2, generator=generator).shape
        torch.Size([2])
    """

    clock: Clock
    controls: Controls
    params: Tensors  # live weights, to read and never write; in `on_updates`, those before it
    streams: Streams  # the effect's own

"""Progressive columns: a network for each phase, which reads those before it (Rusu et al. 2016).

Shape suffixes: B rows, C columns, V answers, W channels of a hidden layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional as F

from audition.data.phases import Phases
from audition.errors import AuditionError
from audition.parts.consolidation import open_phases
from audition.parts.mlp import MLP
from audition.recipe.batches import Shape
from audition.recipe.effect import Effect
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.recipe import Recipe
from audition.recipe.signals import View
from audition.recipe.streams import Streams

IDEA = "progressive"
LATER = ("further", "laterals")
"""Where parameters of later columns are: `further.0` is the second column."""


@dataclass(frozen=True, kw_only=True)
class Progressive:
    """In phase k column k alone is trained; a row is answered by the column of its phase.

    Layer i > 1 of column k is h_i = relu(W_i h_{i-1} + Σ_{j<k} U_ij h_{i-1} of column j), and its
    head reads the last layer of earlier columns in the same way (equation 1 of the paper). What
    earlier columns answered stays as it was to the bit, so nothing is forgotten. A row has to say
    of which phase it is, at test too.
    """

    columns: Annotated[int, Ge(1)] | None = None
    """One a phase, by default; 1 is the exact identity. With fewer, later phases share the last."""

    neutral: ClassVar[Mapping[str, object]] = {"columns": 1}

    def __call__(self, recipe: Recipe) -> Recipe:
        if self.columns == 1:
            return recipe
        constructs = recipe.model

        def columned(shape: Shape, **parts: object) -> nn.Module:
            found = [constructs.func(shape, **parts) for _ in range(self.many(recipe))]
            return Columns(shape, found)

        return replace(
            recipe, model=partial(columned, *constructs.args, **constructs.keywords)
        ).with_effect(IDEA, Frozen(recipe))

    def many(self, recipe: Recipe) -> int:
        """C. Raises AuditionError where rows do not say of which phase they are."""
        phases = open_phases(recipe.data, IDEA, 0)  # whose number no seed changes
        if phases.scenario != "task":
            raise AuditionError(
                f"{IDEA} answers a row by the column of its phase, which "
                f"task.scenario={phases.scenario} does not tell: choose task=stream task.scenario=task"
            )
        return min(self.columns or len(phases.parts), len(phases.parts))


class Frozen(Effect):
    """Leaves the gradients of the column that trains, and of what is in no column."""

    packs: ClassVar[bool] = True

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def init(self, params: Mapping[str, Tensor], streams: Streams) -> None:
        self._phases(streams.seed)

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        phase = self._phases(view.streams.seed).phase(view.clock)
        trained = min(phase, max(map(column_of, view.params)))

        def in_column(problem: Problem) -> Gradient:
            # Without a gradient an optimizer neither moves nor decays a weight, nor counts its steps.
            gradient = rule(problem)
            kept = {n: g for n, g in gradient.grads.items() if column_of(n) in (trained, NONE)}
            return gradient.with_grads(kept)

        return in_column, state

    def _phases(self, seed: int) -> Phases:
        return open_phases(self.recipe.data, IDEA, seed)


NONE = -1
"""The column of what is in none, such as parameters of the loss."""


def column_of(name: str) -> int:
    """The column that a parameter is of, from 0."""
    first, _, rest = name.partition(".")
    if first in LATER:
        return 1 + int(rest.partition(".")[0])
    return 0 if first in ("hidden", "head") else NONE


class Columns(nn.Module):
    """Perceptrons side by side, [B, ...] and groups [B] to logits [B, V].

    The first keeps the names of its parameters, so that it starts as it would alone.
    Raises AuditionError for models of another kind.
    """

    routed = True

    def __init__(self, shape: Shape, columns: list[nn.Module]) -> None:
        super().__init__()
        first, *more = (_perceptron(each) for each in columns)
        self.hidden, self.dropout, self.head = first.hidden, first.dropout, first.head
        self.further = nn.ModuleList(more)
        hidden, head = _maps(first)
        reading = [*hidden[1:], *([head] if hidden else [])]
        self.laterals = nn.ModuleList(
            nn.ModuleList(
                nn.Linear((1 + k) * each.in_features, each.out_features, bias=False)
                for each in reading
            )
            for k in range(len(more))
        )

    def forward(self, inputs: Tensor, groups: Tensor) -> Tensor:
        flat = inputs.flatten(1).float()
        layers: list[list[Tensor]] = []  # of each column so far, each [B, W]
        answers = []
        for k, (hidden, head) in enumerate(map(_maps, (self, *self.further))):
            h, own = flat, []
            for i, layer in enumerate(hidden):
                h = self.dropout(F.relu(layer(h) + self._beside(k, i - 1, layers)))
                own.append(h)
            answers.append(head(h) + self._beside(k, len(own) - 1, layers))
            layers.append(own)
        whole = torch.stack(answers)  # [C, B, V]
        chosen = groups.clamp(max=len(answers) - 1)
        found: Tensor = whole.gather(0, chosen[None, :, None].expand(1, *whole.shape[1:]))[0]
        return found

    def _beside(self, k: int, layer: int, layers: list[list[Tensor]]) -> Tensor | float:
        """What column k adds of that layer of the columns before it, which it does not train."""
        if not k or layer < 0:
            return 0.0
        earlier = torch.cat([each[layer] for each in layers], dim=1).detach()
        found: Tensor = self.laterals[k - 1][layer](earlier)  # type: ignore[index]
        return found


def _perceptron(model: nn.Module) -> MLP:
    if not isinstance(model, MLP):
        raise AuditionError(
            f"{IDEA} adds columns to a perceptron, and the model is of kind "
            f"{type(model).__name__}: choose model=mlp"
        )
    return model


def _maps(column: Any) -> tuple[list[nn.Linear], nn.Linear]:
    """The hidden layers and the head of a column."""
    return list(column.hidden), column.head

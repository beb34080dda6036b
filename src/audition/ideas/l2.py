"""L2: all weights are held, equally, near where the last phase left them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from audition.parts.consolidation import Consolidation
from audition.recipe.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class L2:
    """Adds λ/2 ‖w - w*‖², w* the weights with which the last phase ended."""

    strength: Annotated[float, Ge(0)] = 0.1
    """λ; 0 is the exact identity."""

    neutral: ClassVar = {"strength": 0.0}
    active: ClassVar = {"strength": 1.0}

    def __call__(self, recipe: Recipe) -> Recipe:
        if self.strength == 0.0:
            return recipe
        return recipe.with_effect("l2", Consolidation("l2", recipe.data, self.strength))

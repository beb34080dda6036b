"""Elastic weight consolidation holds weights that earlier phases needed (Kirkpatrick et al. 2017)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from audition.parts.consolidation import Consolidation
from audition.recipe.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Ewc:
    """Adds λ/2 Σ_phases Σ_w F_w (w - w*)², w* and F those at the end of each phase.

    F is Fisher's information, row by row, with labels drawn from the model's own predictions.
    """

    strength: Annotated[float, Ge(0)] = 100.0
    """λ; 0 is the exact identity."""
    rows: Annotated[int, Gt(0)] = 256
    """Rows of the end of a phase that F is measured on."""

    neutral: ClassVar = {"strength": 0.0}
    active: ClassVar = {"strength": 100.0, "rows": 16}

    def __call__(self, recipe: Recipe) -> Recipe:
        if self.strength == 0.0:
            return recipe
        effect = Consolidation("ewc", recipe.data, self.strength, self.rows)
        return recipe.with_effect("ewc", effect)

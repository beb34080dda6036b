"""Placebo: the same training in another random order. The permanent A/A check of the harness.

It re-draws the order of the training windows from its own stream, so its losses have exactly the
baseline's distribution, but other values: whatever verdict it gets is what noise alone can earn.
"""

from dataclasses import dataclass, replace

from audition.recipe.batches import Batches
from audition.recipe.recipe import Recipe
from audition.recipe.streams import Streams


@dataclass(frozen=True, kw_only=True)
class Placebo:
    """An idea without effect: only its random order differs.

    Args:
        dose: name of the stream; another name is another, equally meaningless, order.
    """

    dose: str = "sugar"

    def __call__(self, recipe: Recipe) -> Recipe:
        def reordered(streams: Streams) -> Batches:
            return recipe.data(streams.child("ideas", "placebo", self.dose))

        return replace(recipe, data=reordered)

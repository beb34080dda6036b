"""Joint training: all phases of a stream at once, from the first step. The bound of every learner."""

from dataclasses import dataclass, replace

from audition.data.phases import AtOnce, phases_of
from audition.recipe.batches import Batches
from audition.recipe.recipe import Recipe
from audition.recipe.streams import Streams


@dataclass(frozen=True, kw_only=True)
class Joint:
    """The plain task at the same budget, judged as the stream is; one schedule over the whole run."""

    def __call__(self, recipe: Recipe) -> Recipe:
        def at_once(streams: Streams) -> Batches:
            return AtOnce(phases_of(recipe.data(streams), "joint"))

        # Of a schedule that begins anew in each phase, what begins anew.
        schedule = getattr(recipe.schedule, "schedule", recipe.schedule)
        return replace(recipe, data=at_once, schedule=schedule)

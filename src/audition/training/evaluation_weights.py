"""The weights that evaluation sees, put in place of the live ones for as long as it lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from audition.parts.stepping.together import averaging_of
from audition.recipe import tree
from audition.recipe.batches import Clock
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Controls, View
from audition.session import Session


@contextmanager
def evaluation_weights(recipe: Recipe, session: Session, clock: Clock) -> Iterator[None]:
    """Put the weights for evaluation in place; afterwards restore the live ones to the bit.

    An optimizer that keeps an average (Schedule-Free) writes it by its own `eval()`, and the chain
    then sees that. `train()` of such an optimizer recomputes the live weights with rounding, so
    they are restored from a copy. Without either, no weight is touched.
    """
    averaging = averaging_of(session.optimizer)
    swaps = bool(averaging) or "on_evaluation" in recipe.effects.moments()
    live = tree.clone(session.params) if swaps else {}
    try:
        for optimizer in averaging:
            optimizer.eval()
        if swaps:
            streams = session.streams.child("effects")
            view = View(clock, Controls(), session.params, streams)
            seen = recipe.effects.on_evaluation(session.params, session.effects, view)
            tree.write({n: p for n, p in session.params.items() if seen[n] is not p}, seen)
        yield
    finally:
        for optimizer in averaging:
            optimizer.train()
        tree.write({n: session.params[n] for n in live}, live)

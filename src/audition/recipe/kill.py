"""A kill test: what a short run of the baseline says of whether an idea is worth runs of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median

from audition.errors import AuditionError
from audition.recipe.effect import Effect
from audition.recipe.recipe import Idea


@dataclass(frozen=True)
class Finding:
    """What a kill test found."""

    kill: bool
    sentence: str


@dataclass(frozen=True, kw_only=True)
class KillTest:
    """An idea is not worth a run where `meter` is below `below` on more than `share` of the steps.

    An idea whose kill criterion can be computed from the baseline has a method `kill` that returns
    one: `audition card NAME --kill` trains the baseline with `watch` after its own effects, and
    reads the meter after every step. Of a meter that is only meaningful later on, such as a slow
    average, `watch` gives no reading before that. Where an effect alone does not see what is to be
    measured, `watch` is an idea, which measures and changes nothing.

    Args:
        watch: leaves training as it is (up to rounding), and has the meter.
        meter: name of one of the meters of `watch`; of an idea's, `EFFECT/METER`.
        means: what the meter says, as the subject of a sentence.
        below: the bound.
        share: of the steps, from 0 up and below 1.

    Examples:
        An idea that clips gradients is pointless where they are hardly ever long:

        >>> from audition import Effect, KillTest
        >>> from audition.recipe import tree
        >>> class Length(Effect):
        ...     def on_gradients(self, gradient, state, view):
        ...         return gradient, {"length": tree.norms(gradient.grads).norm()}
        ...
        ...     def meters(self, state):
        ...         return state or {}
        >>> test = KillTest(
        ...     watch=Length(), meter="length", means="the gradient's norm", below=1.0, share=0.9
        ... )
        >>> test.decide([0.5, 0.6, 3.0, 2.0])
        Finding(kill=False, sentence="the gradient's norm is below 1 on 50 % of 4 steps (median 1.3), \
and more than 90 % kill the idea")
    """

    watch: Effect | Idea
    meter: str
    means: str
    below: float
    share: float = 0.5

    def decide(self, readings: Sequence[float]) -> Finding:
        """What the readings of the steps that have one come to.

        Raises AuditionError for no readings, and for one that is no finite number.
        """
        if not readings:
            raise AuditionError(f"no step had a reading of '{self.meter}': measure more steps")
        if not all(map(isfinite, readings)):
            raise AuditionError(f"'{self.meter}' is not finite, so that nothing can be said")
        low = sum(reading < self.below for reading in readings) / len(readings)
        return Finding(
            low > self.share,
            f"{self.means} is below {self.below:g} on {100 * low:.0f} % of {len(readings):,} steps "
            f"(median {median(readings):.2g}), and more than {100 * self.share:.0f} % kill the idea",
        )

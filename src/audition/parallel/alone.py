"""`parallel=none`: a run is one process, the one that was given it."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from audition.parallel.team import ALONE, Team
from audition.recipe.problem import GradientRule
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors

Tell = Callable[[Mapping[str, object]], None]
"""Takes reports of a run's progress."""

StopAsked = Callable[[int], bool]
"""Whether, after so many steps, the run is asked to end early."""

Entry = Callable[[Mapping[str, Any], Team, Tell, StopAsked], Mapping[str, Any]]
"""What every process of a run does: (payload, team, tell, interrupted) -> its outcome.

Payload and answer are plain JSON, since they may cross between processes.
"""


class Alone:
    """The entry is called in this process."""

    processes: ClassVar[int] = 1

    def check(self, recipe: Recipe, rule: GradientRule) -> None:
        """Every recipe can be trained so."""

    def check_weights(self, params: Tensors) -> None:
        """And all weights."""

    def carry_out(
        self, entry: Entry, payload: Mapping[str, Any], tell: Tell, interrupted: StopAsked
    ) -> Mapping[str, Any]:
        """The answer of `entry` to `payload`."""
        return entry(payload, ALONE, tell, interrupted)

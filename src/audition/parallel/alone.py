"""`parallel=none`: a run is one process, the one that was given it."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from audition.parallel.team import ALONE, Team

Tell = Callable[[Mapping[str, object]], None]
"""Takes reports of a run's progress."""

Wish = Callable[[int], bool]
"""Whether, after so many steps, the run is asked to end early."""

Entry = Callable[[Mapping[str, Any], Team, Tell, Wish], Mapping[str, Any]]
"""What every process of a run does: (payload, team, tell, interrupted) -> how it came out.

Payload and answer are plain JSON, since they may cross between processes.
"""


class Alone:
    """Nothing is shared. What is called is called here."""

    processes: ClassVar[int] = 1

    def carry_out(
        self, entry: Entry, payload: Mapping[str, Any], tell: Tell, interrupted: Wish
    ) -> Mapping[str, Any]:
        """The answer of `entry` to `payload`."""
        return entry(payload, ALONE, tell, interrupted)

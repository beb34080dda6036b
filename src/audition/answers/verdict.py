"""A verdict with all that is shown of it: the next step, the joules, and the gain at equal time."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from audition.answers.commands import NextStep, next_step
from audition.answers.curves import Stopwatch
from audition.answers.energy import Joules, joules_of
from audition.answers.judgement import Judgement
from audition.records.store import Ledger
from audition.stats.equal_time import EqualTime


@dataclass(frozen=True)
class Verdict:
    """What the terminal, the page and `--json` show of one arm."""

    judgement: Judgement
    next: NextStep
    joules: Joules
    equal_time: EqualTime

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {
            **self.judgement.to_dict(),
            "next": asdict(self.next),
            "energy": self.joules.to_dict(),
            "equal_time": self.equal_time.to_dict(),
        }


def verdicts(ledger: Ledger, judgements: Iterable[Judgement]) -> list[Verdict]:
    """The verdicts of judgements from `ledger`, which has the runs' curves."""
    watches: dict[tuple[str, str], Stopwatch] = {}
    found = []
    for judgement in judgements:
        baseline = judgement.baseline
        # A baseline's curves are read once for all its rivals.
        key = (baseline.config_hash, baseline.metric)
        watch = watches.setdefault(key, Stopwatch(ledger, baseline))
        time = watch.against(judgement.arm, level=judgement.comparison.level)
        step = next_step(judgement, ledger.root)
        found.append(Verdict(judgement, step, joules_of(judgement), time))
    return found

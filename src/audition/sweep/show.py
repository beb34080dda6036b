"""How a sweep shows its answers: two functions that its caller hands in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audition.answers import Judgement
from audition.records.record import Record
from audition.records.store import Ledger


@dataclass(frozen=True)
class Show:
    """Two functions: one shows verdicts, one shows runs that have none."""

    verdicts: Callable[[Sequence[Judgement], Ledger], None]
    runs: Callable[[Sequence[Record]], None]


SILENT = Show(lambda judgements, ledger: None, lambda records: None)
"""Shows nothing: for a caller that reads the ledger itself."""

"""The families of the runs of a ledger."""

from audition.answers.lineage.family import Family
from audition.errors import AuditionError
from audition.records.lineage import read_lineage
from audition.records.record import Record
from audition.records.store import Ledger


def family_of(ledger: Ledger, record: Record) -> Family:
    """The family of a run, under way or over.

    Raises AuditionError for a run without one, and for one whose log is damaged.
    """
    found = family_or_none(ledger, record)
    if found is None:
        raise AuditionError(
            f"no unit of {record.arm} seed {record.seed} has died: a run has a lineage from its first "
            "event of apoptosis on (apoptosis=functional_preservation, for one)"
        )
    return found


def family_or_none(ledger: Ledger, record: Record) -> Family | None:
    """The family of a run; None where it has none."""
    lineage = read_lineage(ledger.folder_of(record))
    return None if lineage is None else Family.of(lineage, record.steps)

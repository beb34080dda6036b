"""What the files of a run say of its units: its family, and what they responded to."""

from dataclasses import dataclass

from audition.answers.lineage.family import Family
from audition.answers.specialization import Careers, careers
from audition.errors import AuditionError
from audition.records.lineage import read_lineage
from audition.records.profiles import read_profiles
from audition.records.record import Record
from audition.records.store import Ledger


@dataclass(frozen=True)
class UnitsOfRun:
    """A run's units; one of the two is there."""

    family: Family | None  # where any of them died
    careers: Careers  # where they were looked at; empty otherwise


def units_of(ledger: Ledger, record: Record) -> UnitsOfRun:
    """The units of a run, under way or over.

    Raises AuditionError for a run that wrote nothing of them, and for a damaged file.
    """
    found = units_or_none(ledger, record)
    if found is None:
        raise AuditionError(
            f"{record.arm} seed {record.seed} wrote nothing of its units: no unit has died (it has "
            "a lineage from its first event of apoptosis on), and none was looked at "
            "(logger=[profiles])"
        )
    return found


def units_or_none(ledger: Ledger, record: Record) -> UnitsOfRun | None:
    """The units of a run; None where it wrote nothing of them."""
    folder = ledger.folder_of(record)
    lineage, profiles = read_lineage(folder), read_profiles(folder)
    if lineage is None and not profiles:
        return None
    family = None if lineage is None else Family.of(lineage, record.steps)
    return UnitsOfRun(family, careers(profiles, family))

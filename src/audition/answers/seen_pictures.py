"""Which runs' held-out pictures are shown: of the baseline, and of the arm that is best."""

from collections.abc import Sequence
from dataclasses import dataclass

from audition.answers.arms import ArmRuns
from audition.errors import AuditionError
from audition.records.seen_pictures import SeenPictures, read_pictures
from audition.records.store import Ledger


@dataclass(frozen=True)
class ArmPictures:
    """What the model of one run of an arm says of held-out pictures."""

    arm: str
    seed: int
    seen: SeenPictures


def arm_pictures(ledger: Ledger, arms: Sequence[ArmRuns]) -> tuple[ArmPictures, ...]:
    """Of each arm the finished run with the lowest seed; an arm without such a file is left out."""
    found = []
    for arm in arms:
        for record in sorted(arm.records, key=lambda record: record.seed):
            if record.status != "finished":
                continue
            try:
                seen = read_pictures(ledger.folder_of(record))
            except AuditionError:
                continue
            if seen is not None:
                found.append(ArmPictures(arm.name, record.seed, seen))
                break
    return tuple(found)

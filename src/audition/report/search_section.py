"""A search as a section of the report's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from audition.records.studies import Account
from audition.report.gallery import Picture, draw_search, embedded
from audition.report.search_table import FLATTERED, columns, importance_lines, rows, sentence


@dataclass(frozen=True)
class Section:
    """What the page shows of one search."""

    name: str
    sentence: str  # how many trials and runs it took
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]  # the default and the best trials
    mattered: Sequence[tuple[str, str]]
    note: str
    pictures: tuple[Picture, ...]
    figures: tuple[Markup, ...]  # the same, as elements of the page


def section(account: Account, folder: Path) -> Section:
    """Draw the search into `folder`. Raises AuditionError where that cannot be written."""
    pictures = draw_search(folder, account)
    return Section(
        name=account.name,
        sentence=f"{sentence(account)}; as of {account.written[:16].replace('T', ' ')} UTC.",
        columns=columns(account),
        rows=rows(account),
        mattered=importance_lines(account),
        note=FLATTERED,
        pictures=pictures,
        figures=embedded(folder, pictures),
    )

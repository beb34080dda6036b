"""Where a study is kept: a journal file beside the ledger, or a database by its URL."""

import re
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from audition.errors import AuditionError
from audition.records.studies import FOLDER

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

LOCK_S = 10
"""Age from which a journal's lock counts as abandoned; it is held for one write [s]."""
CONNECT_S = 10
"""Longest wait for a database to answer; one behind a firewall never does [s]."""
_TRIES = 3


def prepare_optuna() -> None:
    """Import Optuna, quietly. Raises AuditionError where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise AuditionError("a search needs Optuna: pip install 'audition[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    # A diverged trial is told as infinite, and that is what is to become of it.
    warnings.filterwarnings("ignore", message="Clip non-finite values")


def journal_of(root: Path, name: str) -> Path:
    """The journal of a study in the ledger at `root`."""
    return root / FOLDER / f"{name}.log"


def open_storage(url: str | None, journal: Path) -> "BaseStorage":
    """The storage at `url`, or the journal file where there is none.

    Tables are created here. Raises AuditionError, in
    which no password stands, where the storage cannot be reached.
    """
    if url is None:
        return _open_journal(journal)
    scheme, slashes, rest = url.partition("//")
    who, _, where = rest.rpartition("@")
    shown = f"{scheme}{slashes}{'…' if '?' in who else where.partition('?')[0]}"
    if not re.match(r"(postgresql(\+\w+)?|sqlite)://", url):
        raise AuditionError(
            f"hydra.sweeper.storage={shown} is no storage: give postgresql://USER@HOST/DATABASE, "
            "or null for a journal file beside the ledger"
        )
    if any(sign in who for sign in "@/?"):
        raise AuditionError(
            f"hydra.sweeper.storage={shown} has @, / or ? in its user or password: write %40, %2F, %3F"
        )
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    url = re.sub(r"^postgresql://", "postgresql+psycopg://", url)
    patience = {"connect_timeout": CONNECT_S} if url.startswith("postgresql+psycopg") else {}
    for attempt in range(_TRIES):
        try:
            return RDBStorage(url, engine_kwargs={"connect_args": patience})
        except (SQLAlchemyError, ImportError, RuntimeError, ValueError) as error:
            # Two that make the tables at once get in each other's way; the second finds them made.
            again = isinstance(error, SQLAlchemyError) and "connect" not in str(error)
            if attempt == _TRIES - 1 or not again:
                why = str(error).splitlines()[0].replace(url, shown)
                raise AuditionError(f"storage {shown} cannot be reached: {why}") from None
            time.sleep(0.2)
    raise AssertionError("every try returns or raises")


def close(storage: "BaseStorage") -> None:
    """Give back what a storage holds open: a database's connections; a journal holds nothing."""
    engine = getattr(storage, "engine", None)
    if engine is not None:
        storage.remove_session()
        engine.dispose()


def _open_journal(path: Path) -> "BaseStorage":
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileSymlinkLock

    from audition.sweep.search.study.journal import Journal

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = JournalFileSymlinkLock(str(path), grace_period=LOCK_S)
        return JournalStorage(Journal(path, lock))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise AuditionError(f"the study's journal {path} cannot be used: {why}") from None

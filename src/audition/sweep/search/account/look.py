"""The current accounts of studies: from their storage, or as filed in the ledger."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audition.errors import AuditionError, choices
from audition.records.store import Ledger
from audition.records.studies import FOLDER, STUDIES, Account
from audition.sweep.search.account.account import account_of
from audition.sweep.search.study.serving import ASKED
from audition.sweep.search.study.storage import close, journal_of, open_storage, prepare_optuna


@contextmanager
def accounted(ledger: Ledger, name: str, url: str | None) -> Iterator[None]:
    """File the account of a study when the block ends, however it ends."""
    try:
        yield
    finally:
        try:
            if (account := live(ledger, name, url)) is not None:
                STUDIES.write(ledger.root, account.name, account)
        except Exception as error:  # the error that ended the search matters more
            print(f"audition: no account of study '{name}': {error}", file=sys.stderr)


def live(ledger: Ledger, name: str, url: str | None = None) -> Account | None:
    """The account of a study as it stands now, from its storage; None where that has none of it.

    Raises AuditionError where the storage cannot be read.
    """
    journal = journal_of(ledger.root, name)
    if url is None and not journal.exists():
        return None
    with _storage(url, journal) as (optuna, storage):
        # What is written from here on is in an account that will be told from this one.
        size = journal.stat().st_size if url is None else None
        try:
            study = optuna.load_study(storage=storage, study_name=name)
        except KeyError:
            return None
        return account_of(study, ledger, size) if ASKED in study.user_attrs else None


def accounts(ledger: Ledger, url: str | None = None) -> tuple[Account, ...]:
    """Every study of the ledger as it stands, or with a `url` every one in that storage.

    A journal is read where the account beside it is older than it and Optuna is installed.
    """
    if url is not None:
        with _storage(url, ledger.root) as (_, storage):
            names = [each.study_name for each in storage.get_all_studies()]
        found = [live(ledger, name, url) for name in sorted(names)]
        return tuple(account for account in found if account is not None)
    known = {account.name: account for account in STUDIES.read(ledger.root)[0]}
    folder = ledger.root / FOLDER
    for journal in folder.rglob("*.log"):
        name = journal.relative_to(folder).as_posix().removesuffix(".log")
        account = known.get(name)
        if account is not None and account.journal_bytes == journal.stat().st_size:
            continue
        try:
            fresh = live(ledger, name)
        except (AuditionError, OSError) as error:
            if account is None:
                print(f"audition: study '{name}' is left out: {error}", file=sys.stderr)
            continue
        if fresh is not None:
            known[name] = fresh
    return tuple(known[name] for name in sorted(known))


def account_named(ledger: Ledger, name: str, url: str | None = None) -> Account:
    """The account of one study, by its name or the beginning of it.

    Raises AuditionError where no study is named so, or several are.
    """
    known = {account.name: account for account in accounts(ledger, url)}
    found = [known[name]] if name in known else [a for n, a in known.items() if n.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(account.name for account in found)
        raise AuditionError(f"'{name}' begins the names of {len(found)} studies: {names}")
    where = ledger.root / FOLDER if url is None else "that storage"
    raise AuditionError(f"no study '{name}' in {where}{choices(name, known)}")


@contextmanager
def _storage(url: str | None, journal: Path) -> Iterator[tuple[Any, Any]]:
    prepare_optuna()
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = open_storage(url, journal)
        try:
            yield optuna, storage
        finally:
            close(storage)

"""A study opened by a process: created or joined, checked to be of the same question, kept alive."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from audition.errors import AuditionError
from audition.records.claim import take
from audition.sweep.search.study.storage import close, prepare_optuna
from audition.sweep.search.study.study import Study

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage

ASKED = "asked"
"""Attribute of a study: what was asked for, by which it is known to be the same."""


@contextmanager
def serving(
    storage: "BaseStorage",
    folder: Path,
    name: str,
    asked: Mapping[str, Any],
    limit: int,
) -> Iterator[tuple[Study, bool]]:
    """The study of that name, made where there is none (then True), for as long as it is served.

    Raises AuditionError where the study is another's: made for another question than `asked`.
    """
    prepare_optuna()
    import optuna

    directions = [optuna.study.StudyDirection.MINIMIZE for _ in asked["objectives"]]
    try:
        study, first = _made_or_joined(storage, name, directions)
        if first:
            study.set_user_attr(ASKED, dict(asked))
    except (KeyError, ValueError) as error:
        why = str(error).splitlines()[0]
        raise AuditionError(f"study '{name}' cannot be read: {why}") from None
    if study.directions != directions:
        made = ", ".join(d.name.lower() for d in study.directions)
        raise AuditionError(
            f"study '{name}' has other objectives ({made}) than {', '.join(asked['objectives'])} "
            "made small: choose another hydra.sweeper.study"
        )
    # A study is marked with its question as soon as it is created, so one with trials has the mark.
    bare = not study.get_trials(deepcopy=False)
    before = study.user_attrs.get(ASKED)
    if before is None and not bare:
        raise AuditionError(
            f"study '{name}' was made by another program: choose another hydra.sweeper.study"
        )
    if before is not None and dict(before) != dict(asked):
        changed = ", ".join(key for key in asked if before.get(key) != asked[key])
        raise AuditionError(
            f"study '{name}' was begun with another {changed}: choose another hydra.sweeper.study"
        )
    server = token_hex(8)
    try:
        with take_place(folder / server):
            yield Study(study, name, limit, folder, server), first
    finally:
        close(storage)


def _made_or_joined(
    storage: "BaseStorage", name: str, directions: "list[optuna.study.StudyDirection]"
) -> "tuple[optuna.Study, bool]":
    """The study, and whether this process made it: of those that start together only one has."""
    import optuna

    try:
        made = optuna.create_study(storage=storage, study_name=name, directions=directions)
    except optuna.exceptions.DuplicatedStudyError:
        return optuna.load_study(storage=storage, study_name=name), False
    return made, True


@contextmanager
def take_place(folder: Path) -> Iterator[None]:
    """Be known as alive to whoever serves the same study, wherever it runs."""
    claim = take(folder)
    try:
        yield
    finally:
        claim.release()
        shutil.rmtree(folder, ignore_errors=True)


def seed_of(asked_for: int, server: str, first: bool) -> int:
    """The sampler's seed: as asked for who made the study, another for everyone who joins it."""
    return asked_for if first else (asked_for + int(server[:7], 16)) % 2**31

"""Checkpoints as they are found: whole and of this run, or refused with the reason."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from audition.observers.checkpoint import NAME, PREVIOUS, SCHEMA

Snapshot = Mapping[str, Any]


class Refused(Exception):
    """A checkpoint that cannot be used, and why, as the end of a sentence about it."""


def kept(folder: Path) -> tuple[Path, ...]:
    """The checkpoints in `folder`, the newest first."""
    return tuple(path for path in (folder / NAME, folder / PREVIOUS) if path.exists())


def read_checkpoint(path: Path, key: str) -> Snapshot:
    """The snapshot at `path`, whole, and taken of the run `key`.

    Raises Refused for one that is cut short, has a bit turned over, or is of another run.
    """
    try:
        # torch reads an archive without looking at its checksums.
        with ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise Refused("is damaged")
        snapshot = torch.load(path, weights_only=True)
    except (BadZipFile, EOFError):
        raise Refused("is not whole") from None
    except (OSError, RuntimeError, ValueError, UnpicklingError, KeyError) as error:
        raise Refused(f"cannot be read ({type(error).__name__})") from None
    if not isinstance(snapshot, dict) or snapshot.get("schema") != SCHEMA:
        raise Refused("was not written by this version of Audition")
    if snapshot["key"] != key:
        raise Refused("is of another run")
    return snapshot


def set_aside(path: Path) -> None:
    """Keep a refused checkpoint out of the way, where no later one overwrites the last good one."""
    with suppress(OSError):
        os.replace(path, path.with_suffix(".refused"))

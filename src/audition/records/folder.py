"""A folder of a ledger that holds one JSON file for each value of one class."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from audition.errors import AuditionError
from audition.plain_file import Unreadable, read_file, write_file
from audition.records.codec import parsed, read

T = TypeVar("T")


def _as_it_is(plain: Any) -> Any:
    return plain


def _fits(value: object, stem: str) -> str:
    return ""


@dataclass(frozen=True)
class Folder(Generic[T]):
    """The files of the dataclass `kind` in the folder `name` of any ledger."""

    name: str
    kind: type[T]
    upgrade: Callable[[Any], Any] = _as_it_is
    """Converts the data of a file, of an earlier version too, to the fields of `kind`."""
    plain: Callable[[T], Mapping[str, Any]] = asdict  # type: ignore[assignment]
    """Converts a value to the data of its file."""
    misfit: Callable[[T, str], str] = _fits
    """Why a value cannot have come under that name from us, following the file's name; else empty."""

    def path(self, root: Path, stem: str) -> Path:
        """The file of that name in the ledger at `root`."""
        return root / self.name / f"{stem}.json"

    def write(self, root: Path, stem: str, value: T) -> Path:
        """Put `value` into the ledger at `root`; AuditionError where it cannot be written."""
        path = self.path(root, stem)
        write_file(path, json.dumps(self.plain(value), indent=1) + "\n")
        return path

    def get(self, root: Path, stem: str) -> T | None:
        """The value of that name; None where there is none, or its file cannot be read."""
        found = self._read(root, stem)
        return None if isinstance(found, Unreadable) else found

    def read(self, root: Path) -> tuple[tuple[T, ...], tuple[Unreadable, ...]]:
        """Every value in the ledger at `root` by name, and what could not be read as one."""
        folder = root / self.name
        errors: list[OSError] = []
        paths = sorted(
            Path(top, name)
            for top, folders, files in os.walk(folder, onerror=errors.append)
            for name in (*folders, *files)
            if name.endswith(".json")
        )
        found: list[T | Unreadable | None] = [
            Unreadable(Path(error.filename), f"cannot be read ({error.strerror or error})")
            for error in errors
            if not isinstance(error, FileNotFoundError | NotADirectoryError)
        ]
        for path in paths:
            stem = path.relative_to(folder).as_posix().removesuffix(".json")
            found.append(self._read(root, stem))
        unreadable = tuple(each for each in found if isinstance(each, Unreadable))
        values = (each for each in found if each is not None and not isinstance(each, Unreadable))
        return tuple(values), unreadable

    def decode(self, text: str) -> T:
        """The value in `text`; raises AuditionError, whose text follows a file's name."""
        try:
            plain = parsed(text)
        except ValueError as error:
            raise AuditionError(f"is not complete JSON ({error})") from None
        try:
            return read(self.kind, self.upgrade(plain))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise AuditionError("was not written by Audition") from None

    def _read(self, root: Path, stem: str) -> T | Unreadable | None:
        path = self.path(root, stem)
        found = read_file(path, self.decode)
        if found is None or isinstance(found, Unreadable):
            return found
        why = self.misfit(found, stem)
        return Unreadable(path, why) if why else found

"""The store of all runs: plain files, one folder a run, readable by any process at any time."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeVar

from audition.command_line import in_ledger, train_command
from audition.errors import AuditionError, writing
from audition.records.claim import Claim, held, take
from audition.records.record import Record

T = TypeVar("T")

RECORD = "record.json"
PLACES = ("runs", "plans", "studies")
"""Folders of which a ledger has at least one."""
PART = re.compile(r"\.(.+\.\d+|part-.+)")
"""Names of files and folders that are being written: `.record.json.PID`, `.part-ANY`."""
LEFT_S = 600.0
"""The age from which a partial file counts as abandoned, since it is written in one go [s]."""


@dataclass(frozen=True)
class Unreadable:
    """A `record.json` or a folder that cannot be used, and why, in a few words."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


@dataclass(frozen=True)
class Contents:
    """What a ledger holds: its records, and the files that could not be read as one."""

    records: tuple[Record, ...]
    unreadable: tuple[Unreadable, ...]

    def settled(self) -> dict[str, Record]:
        """Run key -> record, of the runs with a final outcome."""
        return {record.key: record for record in self.records if record.settled}


@dataclass(frozen=True)
class Ledger:
    """All runs under `root`, at `runs/<arm>/<config hash>/seed_<n>/`."""

    root: Path

    @classmethod
    def found(cls, root: Path) -> "Ledger":
        """The ledger at `root`, to be read; AuditionError where nothing was ever filed there."""
        try:
            there = set(os.listdir(root))
        except (FileNotFoundError, NotADirectoryError):
            raise AuditionError(
                f"there is no ledger at {root}: it is no folder; {_instead(root)}"
            ) from None
        except OSError as error:
            raise AuditionError(f"{root} cannot be read: {error.strerror or error}") from None
        if there.isdisjoint(PLACES):
            raise AuditionError(f"there is no ledger at {root}: it has no runs/; {_instead(root)}")
        return cls(root)

    def folder(self, arm: str, config_hash: str, seed: int) -> Path:
        """Where a run keeps its files; a function of its identity alone."""
        return self.root / "runs" / arm / config_hash / f"seed_{seed}"

    def folder_of(self, record: Record) -> Path:
        """Where the run of `record` keeps its files."""
        return self.folder(record.arm, record.config_hash, record.seed)

    def place_of(self, record: Record) -> str:
        """The folder of the run of `record` below `runs/`, its name in submissions."""
        return self.folder_of(record).relative_to(self.root / "runs").as_posix()

    def read(self) -> Contents:
        """Every record, by arm, configuration and seed; what cannot be read is listed, never raised."""
        closed: list[Unreadable] = []
        runs = [Path(run, RECORD) for run in sorted(self._runs(closed.append), key=_place)]
        _folders(self.root / "plans", closed.append)  # without them a verdict is exploratory
        found = [*map(_read, runs), *closed]
        records = tuple(each for each in found if isinstance(each, Record))
        return Contents(records, tuple(each for each in found if isinstance(each, Unreadable)))

    def _runs(self, closed: Callable[[Unreadable], None]) -> Iterator[str]:
        for arm in _folders(self.root / "runs", closed):
            for config in _folders(arm, closed):
                yield from _folders(config, closed)

    def get(self, folder: Path) -> Record | None:
        """The record in `folder`; None where there is none yet or it cannot be read."""
        found = _read(folder / RECORD)
        return found if isinstance(found, Record) else None

    def check_writable(self) -> None:
        """Raise AuditionError, before any training, where no run could be filed.

        Removes what killed processes left half written beside the runs.
        """
        runs = self.root / "runs"
        try:
            runs.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=runs) as probe:
                now = os.fstat(probe.fileno()).st_mtime
            for folder in _folders(self.root, lambda closed: None):
                if folder != str(runs):
                    clear_parts(Path(folder), lambda part: now - part.stat().st_mtime > LEFT_S)
        except OSError as error:
            raise AuditionError(
                f"paths.output_dir={self.root} cannot be written: {error.strerror or error}"
            ) from error

    def write(self, record: Record) -> Path:
        """Put `record` in its folder, whole or not at all; returns the folder.

        A file there that is not a record of this version is moved aside, never overwritten.
        """
        folder = self.folder_of(record)
        path = folder / RECORD
        with writing(path):
            if path.exists() and self.get(folder) is None:
                path.rename(_free(path.with_name(f"{path.name}.unreadable")))
        write_file(path, record.to_json())
        return folder

    @contextmanager
    def claim(self, folder: Path) -> Iterator[Claim]:
        """Hold `folder` as its only writer; the claim ends with the process, however it ends.

        Raises Busy when another process holds it, and AuditionError where nobody can write.
        """
        with writing(f"in {folder}"):
            claim = take(folder)
        try:
            clear_parts(folder, _abandoned)
            yield claim
        finally:
            claim.release()

    def claimed(self, folder: Path) -> bool:
        """Whether a live process holds `folder` now."""
        return held(folder)


def _instead(root: Path) -> str:
    where = in_ledger(root) if not root.is_file() else ()
    return f"name another with --output-dir, or train a run: {train_command(*where)}"


def is_ledger(root: Path) -> bool:
    """Whether something was ever filed at `root`, as far as it can be read."""
    return any((root / place).is_dir() for place in PLACES)


def clear_parts(folder: Path, left: Callable[[Path], bool]) -> None:
    """Remove the parts of files in `folder` that were `left` by a writer that was killed."""
    with suppress(OSError):
        for part in [each for each in folder.iterdir() if PART.fullmatch(each.name)]:
            with suppress(OSError):
                if left(part):
                    shutil.rmtree(part) if part.is_dir() else part.unlink()


def _abandoned(part: Path) -> bool:
    """Whether no process of this machine has the number that `part` is named after."""
    number = part.suffix[1:]
    try:
        os.kill(int(number) if number.isdecimal() else 0, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that readers see the old text or the new, never a part (rename is atomic).

    Text becomes UTF-8; half of a surrogate pair, as in a file name of another encoding, its number.
    """
    whole = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(part, "wb") as file:
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def write_file(path: Path, content: str) -> None:
    """Make the folder of `path` and write the file whole; AuditionError where that is not possible."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)


def read_file(path: Path, decode: Callable[[str], T]) -> T | Unreadable | None:
    """`decode` of the text of a file, or its AuditionError as `Unreadable`; None without a file."""
    try:
        return decode(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except AuditionError as error:
        return Unreadable(path, str(error))
    except OSError as error:
        return Unreadable(path, f"cannot be read ({error.strerror or error})")
    except UnicodeDecodeError as error:
        return Unreadable(path, f"cannot be read ({error})")


def _read(path: Path) -> Record | Unreadable | None:
    return read_file(path, Record.from_json)


def _free(path: Path) -> Path:
    """`path`, or where that is taken `path` with the first number that is not."""
    numbered = (path.with_name(f"{path.name}.{n}") for n in count(2))
    return next(candidate for candidate in chain([path], numbered) if not candidate.exists())


def _place(run: str) -> tuple[str, int, str]:
    """What the folder of a run is sorted by: its configuration, then its seed as a number."""
    config, _, name = run.rpartition(os.sep)
    seed = name.removeprefix("seed_")
    return config, int(seed) if seed.isdecimal() else -1, name


def _folders(path: str | os.PathLike[str], closed: Callable[[Unreadable], None]) -> Iterable[str]:
    """The folders in `path`; `closed` is called where it cannot be read, as another user's may be."""
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        closed(Unreadable(Path(path), f"cannot be read ({error.strerror or error})"))
        return ()

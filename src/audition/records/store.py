"""The store of all runs: plain files, one folder a run, readable by any process at any time."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryFile
from unicodedata import normalize

from audition.command_line import in_ledger, train_command
from audition.errors import AuditionError, writing
from audition.plain_file import Unreadable, clear_parts, is_abandoned, read_file, write_file
from audition.reasons import cut
from audition.records.claim import Claim, held, take
from audition.records.record import Record

RECORD = "record.json"
PLACES = ("runs", "plans", "studies")
"""Folders of which a ledger has at least one."""
LEFT_S = 600.0
"""The age from which a partial file counts as abandoned, since it is written in one go [s]."""


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
    """All runs under `root`, at `runs/<arm>/<config hash>/seed_<n>/`; deployed ones at `derived/…`."""

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

    def folder(self, arm: str, config_hash: str, seed: int, place: str = "runs") -> Path:
        """Where a run keeps its files; a function of its identity alone."""
        return self.root.joinpath(place, arm, config_hash, f"seed_{seed}")

    def folder_of(self, record: Record) -> Path:
        """Where the run of `record` keeps its files."""
        place = "derived" if record.parent else "runs"
        return self.folder(record.arm, record.config_hash, record.seed, place)

    def place_of(self, record: Record) -> str:
        """The folder of the run of `record` as seen from `runs/`, its name in submissions."""
        place = f"{record.arm}/{record.config_hash}/seed_{record.seed}"
        return f"../derived/{place}" if record.parent else place

    def read(self) -> Contents:
        """Every record, by arm, configuration and seed; what cannot be read is listed, never raised."""
        closed: list[Unreadable] = []
        runs = sorted(self._runs(closed.append), key=_place)
        _folders(self.root / "plans", closed.append)  # without them a verdict is exploratory
        with _no_collection():
            read = [_read(f"{run}{os.sep}{RECORD}") for run in runs]
        found = [*_without_conflicts(runs, read), *closed]
        records = tuple(each for each in found if isinstance(each, Record))
        return Contents(records, tuple(each for each in found if isinstance(each, Unreadable)))

    def _runs(self, closed: Callable[[Unreadable], None]) -> Iterator[str]:
        for place in ("runs", "derived"):
            for arm in _folders(self.root / place, closed):
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
            clear_parts(folder, is_abandoned)
            yield claim
        finally:
            claim.release()

    def claimed(self, folder: Path) -> bool:
        """Whether a live process holds `folder` now."""
        return held(folder)


def _instead(root: Path) -> str:
    where = in_ledger(root) if not root.is_file() else ()
    return f"name another with --output-dir, or train a run: {train_command(*where)}"


def is_name(word: str) -> bool:
    """Whether a folder of a ledger can be called so: one step down, and no way out."""
    return word not in ("", ".", "..") and not set(word) & {"/", os.sep, "\0"}


def is_ledger(root: Path) -> bool:
    """Whether something was ever filed at `root`, as far as it can be read."""
    return any((root / place).is_dir() for place in PLACES)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Let many values be made at once without the collector looking through all of them each time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


Found = Record | Unreadable | None
"""What a `record.json` turned out to be; None where there is no such file."""


def _read(path: Path | str) -> Found:
    found = read_file(path, Record.from_json)
    if isinstance(found, Record) and not _is_at_home(found, path):
        there = f"{found.arm}/{found.config_hash}/seed_{found.seed}"
        return Unreadable(Path(path), f"is the record of another run, {cut(there, 200)}")
    return found


def _is_at_home(record: Record, path: Path | str) -> bool:
    """Whether the folders above a record bear its names, which thus lead out of no ledger."""
    ours = [record.arm, record.config_hash, f"seed_{record.seed}"]
    theirs = str(path).rsplit(os.sep, 4)[-4:-1]
    if theirs == ours:
        return True
    return list(map(_composed, theirs)) == list(map(_composed, ours))


def _composed(name: str) -> str:
    return normalize("NFC", name)  # a file system may take letters apart from their accents


def _without_conflicts(runs: Sequence[str], found: Sequence[Found]) -> list[Found]:
    """The records in the folders `runs`, without those that have another outcome than a second one
    of their run.

    A run may be filed twice, as an arm and as a baseline, but it has one outcome.
    """
    settled = [each for each in found if isinstance(each, Record) and each.settled]
    keys = {each.key for each in settled}
    if len(keys) == len({(r.config_hash, r.seed) for r in settled}) == len(settled):
        return list(found)
    named: dict[object, list[int]] = {}
    for place, record in enumerate(found):
        if isinstance(record, Record) and record.settled:
            named.setdefault((record.config_hash, record.seed), []).append(place)
            named.setdefault(record.key, []).append(place)
    kept = list(found)
    for places in named.values():
        if len(places) > 1 and len({_outcome(found[place]) for place in places}) > 1:
            for place in places:
                other = next(Path(runs[each], RECORD) for each in places if each != place)
                kept[place] = Unreadable(
                    Path(runs[place], RECORD),
                    f"and {other} are unlike records of one run: neither counts",
                )
    return kept


def _outcome(record: Found) -> tuple[object, ...]:
    assert isinstance(record, Record)
    metrics = tuple(sorted((name, str(value)) for name, value in record.metrics.items()))
    return record.config_hash, record.seed, record.status, record.weights, metrics


def _free(path: Path) -> Path:
    """`path`, or where that is taken `path` with the first number that is not."""
    numbered = (path.with_name(f"{path.name}.{n}") for n in count(2))
    return next(candidate for candidate in chain([path], numbered) if not candidate.exists())


def _place(run: str) -> tuple[str, int, str]:
    """What the folder of a run is sorted by: its configuration, then its seed as a number."""
    config, _, name = run.rpartition(os.sep)
    seed = name.removeprefix("seed_")
    return config, int(seed) if seed.isdecimal() else -1, name


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _folders(path: str | os.PathLike[str], closed: Callable[[Unreadable], None]) -> Iterable[str]:
    """The folders in `path`; `closed` is called where it cannot be read, as another user's may be."""
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if _is_folder(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        closed(Unreadable(Path(path), f"cannot be read ({error.strerror or error})"))
        return ()

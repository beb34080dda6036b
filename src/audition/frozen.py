"""Keeps the source files of a command as they were when it began: a run imports what its key names.

An editor saves a file while a sweep runs. A process that is started later, or imports late, would
run the new text under a key that was made of the old one. So a command reads the sources once:
`read` gives that text to digests, and an importer gives it to this process and, through a file that
the environment names, to every process below it (the fork server, the ranks of a shared run, the
workers of Hydra's launchers).
"""

import atexit
import marshal
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, wraps
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

HELD = "AUDITION_SOURCES"
"""The environment variable that names the file."""

SUFFIX = ".sources"

Text = tuple[bytes, float]
"""What a file held when it was read, and when it had last been changed [s since the epoch]."""


class Sources:
    """Texts by their paths, from which modules are imported; the first reading of a file stays.

    The first process appends each text to `file`; those below it read it there.
    """

    def __init__(self, file: Path, *, writes: bool) -> None:
        self.file, self.writes = file, writes
        self.texts: dict[str, Text] = {}
        self._heard = 0  # bytes of the file that have been read

    def add(self, paths: Iterable[str]) -> None:
        """Read the files that are not held yet. Raises OSError where one cannot be read."""
        new = {path: _text(path) for path in paths if path not in self.texts}
        self.texts |= new
        if new and self.writes:
            with self.file.open("ab") as file:
                marshal.dump(new, file)

    def hear(self) -> None:
        """Take in what the first process has read since."""
        with suppress(OSError), self.file.open("rb") as file:
            file.seek(self._heard)
            with suppress(EOFError, ValueError, TypeError):  # the last one may be half written
                while True:
                    self.texts = {**marshal.load(file), **self.texts}
                    self._heard = file.tell()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Python's own answer, with the text that is held in the place of the file's."""
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            held = self.texts.get(spec.loader.path)
            if held is not None:
                spec.loader = Loader(fullname, spec.loader.path, held)
        return spec


class Loader(SourceFileLoader):
    """Python's own, its files of byte code included, from a text that was read before."""

    def __init__(self, fullname: str, path: str, text: Text) -> None:
        super().__init__(fullname, path)
        self._text = text

    def path_stats(self, path: str) -> dict[str, Any]:
        content, modified = self._text
        return {"mtime": modified, "size": len(content)}

    def get_data(self, path: str) -> bytes:
        return self._text[0] if path == self.path else super().get_data(path)


def freeze() -> None:
    """From here on this process and those below it import this package as it is now.

    Other packages are from the first `read` of each of their files. Nothing is done where a process
    above has done it.
    """
    if _held() is not None:
        return
    from tempfile import mkstemp

    _clear()
    number, name = mkstemp(prefix=f"audition-{os.getpid()}-", suffix=SUFFIX)
    os.close(number)
    atexit.register(_forget, Path(name), os.getpid())
    sources = Sources(Path(name), writes=True)
    sources.add(_files(Path(__file__).parent))
    os.environ[HELD] = name
    _install(sources)


@contextmanager
def as_before() -> Iterator[None]:
    """Afterwards, this process holds the sources that it held before: of none, none."""
    held, name = _held(), os.environ.get(HELD)
    try:
        yield
    finally:
        # Ours alone: libraries put finders of their own in, and take Python's place for good.
        sys.meta_path[:] = [f for f in sys.meta_path if f is held or not isinstance(f, Sources)]
        os.environ.pop(HELD, None)
        if name is not None:
            os.environ[HELD] = name


def take_up() -> None:
    """Import what a process above holds, where one has called `freeze`."""
    name = os.environ.get(HELD)
    if name and _held() is None and os.path.isfile(name):
        sources = Sources(Path(name), writes=False)
        sources.hear()
        _install(sources)


def hear() -> None:
    """Take in what the first process has read since this one was started."""
    if (sources := _held()) is not None and not sources.writes:
        sources.hear()


def read(path: Path) -> bytes:
    """A source file as it was at its first reading; as it is now where nothing is held.

    Raises OSError where it cannot be read.
    """
    sources = _held()
    if sources is None:
        return path.read_bytes()
    sources.add([str(path)])
    return sources.texts[str(path)][0]


def cached(function: Callable[P, R]) -> Callable[P, R]:
    """`function` with its results cached, but only while sources are held: else files may change."""
    known = cache(function)

    @wraps(function)
    def found(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs) if _held() is None else known(*args, **kwargs)  # type: ignore[arg-type]

    return found


def _text(path: str) -> Text:
    with open(path, "rb") as file:
        return file.read(), os.fstat(file.fileno()).st_mtime


def _held() -> Sources | None:
    return next((each for each in sys.meta_path if isinstance(each, Sources)), None)


def _install(sources: Sources) -> None:
    """Before Python looks at the disk, and after what is built in."""
    sys.meta_path.insert(sys.meta_path.index(PathFinder), sources)


def _clear() -> None:
    """Remove the files of processes that were killed."""
    from tempfile import gettempdir

    for file in Path(gettempdir()).glob(f"audition-*{SUFFIX}"):
        pid = file.name.split("-")[1]
        with suppress(OSError, ValueError):
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                file.unlink()


def _forget(file: Path, pid: int) -> None:
    if os.getpid() == pid:
        file.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[str]:
    for place, below, names in os.walk(folder):
        below[:] = [name for name in below if name != "__pycache__"]
        yield from (os.path.join(place, name) for name in names if name.endswith(".py"))

"""The code as submitted: a job that waits for days runs what was there when it was handed in."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from audition import frozen
from audition.errors import AuditionError

FOLDER = "code"
LEFT_OUT = ("__pycache__", "*.pyc", "*.part")


def snapshot(root: Path, packages: Sequence[str], more: Mapping[str, Path] | None = None) -> Path:
    """A folder below the ledger at `root` that holds a copy of `packages`, to be imported from.

    more: place below that folder -> a file or a folder that lies elsewhere here.
    Named by what is in it, so that a thousand submissions of one state of the code share one copy.
    Raises AuditionError where a package cannot be found or copied.
    """
    found = (_source(name) for name in sorted(set(packages)))
    sources = {source.name: source for source in found} | dict(more or {})
    home = root / FOLDER / _digest(sources)
    if home.is_dir():
        return home
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(prefix=".part-", dir=home.parent))
        for place, source in sources.items():
            if source.is_dir():
                ignored = shutil.ignore_patterns(*LEFT_OUT)
                shutil.copytree(source, part / place, ignore=ignored, copy_function=_copy)
            else:
                (part / place).parent.mkdir(parents=True, exist_ok=True)
                _copy(source, part / place)
        part.chmod(0o755)
        try:
            part.rename(home)
        except OSError:  # another process has just made the same one
            shutil.rmtree(part)
            if not home.is_dir():
                raise
    except OSError as error:
        raise AuditionError(f"cannot copy the code to {home}: {error.strerror or error}") from error
    return home


def _source(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise AuditionError(f"allowed_targets names '{package}', which cannot be imported here")
    path = Path(spec.origin)
    return path.parent if path.name == "__init__.py" else path


def _digest(sources: dict[str, Path]) -> str:
    whole = sha256()
    for name, source in sources.items():
        for path in _files(source):
            whole.update(
                f"{name}/{path.relative_to(source.parent)}\0".encode("utf-8", "surrogateescape")
            )
            whole.update(_content(path))
    return whole.hexdigest()[:16]


def _copy(source: str | Path, to: str | Path) -> None:
    """A file as the plan has it: what was edited since is for the next one."""
    shutil.copy2(source, to)
    Path(to).write_bytes(_content(Path(source)))


def _content(path: Path) -> bytes:
    return frozen.read(path) if path.suffix == ".py" else path.read_bytes()


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
        return
    for folder, names, files in os.walk(source):
        names[:] = sorted(name for name in names if name != "__pycache__")
        for file in sorted(files):
            if not file.endswith((".pyc", ".part")):
                yield Path(folder, file)

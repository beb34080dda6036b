"""Folders of derived files, each made once, by one process, and shared by all."""

import json
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from audition.errors import AuditionError

_MANIFEST = "manifest.json"


def cached(root: Path, key: str, make: Callable[[Path], None]) -> Path:
    """The folder `root/key`, filled by `make(folder)` if it is not there whole.

    Whole means that the manifest bears this key and that every file has the size and the checksum
    noted in it, so a file that was truncated, or put there by something else, is made again. A
    folder appears under its name complete or not at all; of processes that start together one
    makes it while the others wait. Raises AuditionError where `root` cannot be written.
    """
    folder = root / key
    if _is_whole(folder, key):
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f"{key}.lock"):
            if not _is_whole(folder, key):
                _rebuild(folder, key, make)
    except OSError as error:
        raise AuditionError(
            f"paths.cache_dir={root} cannot be written: {error.strerror or error}"
        ) from error
    return folder


def _rebuild(folder: Path, key: str, make: Callable[[Path], None]) -> None:
    draft = folder.with_name(f".{key}.draft")  # ours: we hold the lock
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        make(draft)
        files = {path.name: _measure(path) for path in sorted(draft.iterdir())}
        manifest = json.dumps({"key": key, "files": files}, indent=1)
        (draft / _MANIFEST).write_text(manifest, encoding="utf-8")
        if folder.is_dir():
            shutil.rmtree(folder)
        else:
            folder.unlink(missing_ok=True)
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _is_whole(folder: Path, key: str) -> bool:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest["key"] == key) and all(
            _measure(folder / name) == measured for name, measured in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _measure(path: Path) -> list[int]:
    """[bytes, CRC-32] of a file."""
    content = path.read_bytes()
    return [len(content), zlib.crc32(content)]

"""The uncommitted changes of a package's own files, up to a limit that a file can hold."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from subprocess import DEVNULL, PIPE
from threading import Timer

MOST = 1_000_000
"""Bytes of a diff that are kept; of a longer one the digest and the size are of the whole."""
NAMES = 100
"""The most untracked files that are named; the others are counted."""
PATIENCE_S = 10.0
"""Longest wait for one answer of git [s]."""


@dataclass(frozen=True, kw_only=True)
class Diff:
    """The changes since the last commit."""

    text: bytes  # at most MOST
    size: int  # bytes of the whole
    lines: int
    digest: str  # sha256 of the whole

    @property
    def whole(self) -> bool:
        """Whether all of it is in `text`."""
        return self.size == len(self.text)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The state of a package in the git repository that has it."""

    sha: str  # the commit
    diff: Diff | None  # None where nothing was changed
    untracked: tuple[str, ...]  # at most NAMES
    more: int  # untracked files beyond those


def changes(paths: Sequence[Path]) -> Changes | None:
    """The changes in `paths`, which are one package's.

    None without git, and where no repository has the package's files: one that merely surrounds an
    installed package, as that of a project its virtual environment, does not count.
    """
    first, inside = paths[0], [str(path.resolve()) for path in paths if path.exists()]
    folder = first if first.is_dir() else first.parent
    if not inside or not _answer(folder, "ls-files", "--", inside[0]):
        return None
    sha = _answer(folder, "rev-parse", "HEAD")
    if not sha:
        return None
    top = Path(_answer(folder, "rev-parse", "--show-toplevel") or folder).resolve()
    inside = [path for path in inside if Path(path).is_relative_to(top)]
    others = _answer(folder, "ls-files", "--others", "--exclude-standard", "--", *inside) or ""
    names = others.splitlines()
    try:
        diff = _diff(folder, inside)
    except OSError:
        return None
    return Changes(
        sha=sha,
        diff=diff,
        untracked=tuple(names[:NAMES]),
        more=max(0, len(names) - NAMES),
    )


def _diff(folder: Path, paths: Sequence[str]) -> Diff | None:
    """Read as it comes, since a repository may have gigabytes of it; None where nothing was changed.

    Raises OSError where git fails.
    """
    words = ("diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color", "--", *paths)
    digest, kept, size, lines = sha256(), b"", 0, 0
    with subprocess.Popen(
        _command(folder, words), stdout=PIPE, stderr=DEVNULL, env=_environment()
    ) as process:
        assert process.stdout is not None
        watch = Timer(PATIENCE_S, process.kill)
        watch.start()
        try:
            while chunk := process.stdout.read(1 << 20):
                digest.update(chunk)
                kept += chunk[: MOST - len(kept)]
                size += len(chunk)
                lines += chunk.count(b"\n")
        finally:
            watch.cancel()
            if sys.exc_info()[0] is not None:
                process.kill()
    if process.returncode != 0:
        raise OSError(f"git diff ended with {process.returncode}")
    return Diff(text=kept, size=size, lines=lines, digest=digest.hexdigest()) if size else None


def _answer(folder: Path, *words: str) -> str:
    """The output of git; empty where it fails."""
    try:
        answer = subprocess.run(
            _command(folder, words), capture_output=True, timeout=PATIENCE_S, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode("utf-8", "replace").strip() if answer.returncode == 0 else ""


def _command(folder: Path, words: Sequence[str]) -> list[str]:
    return ["git", "-C", str(folder), *words]


def _environment() -> dict[str, str]:
    """Without the variables by which a hook points git at its own repository; git writes nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0"}

"""The commit that the code of runs is at; uncommitted changes are kept beside the ledger."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from audition.changes import Changes, Diff, changes
from audition.config.root import conf_dir
from audition.plain_file import write_whole
from audition.provenance import provenance
from audition.sweep.plan import PlannedRun

FOLDER = "provenance"


def code_provenance(runs: Sequence[PlannedRun]) -> dict[str, Any]:
    """What `repro.json` says of each of `runs`, beside what only its own process can tell.

    A diff is one file in the ledger's `provenance/`, named by its digest, that the runs refer to;
    where it cannot be written a line says so, and its digest stands for it.
    """
    root = Path(runs[0].settings["paths"]["output_dir"])
    names = {target.partition(".")[0] for run in runs for target in run.settings["allowed_targets"]}
    found = {name: changes(places(name)) for name in sorted(names) if places(name)}
    git = {name: described(each, root) for name, each in found.items() if each is not None}
    return {"git": git, **provenance()}


def places(package: str) -> tuple[Path, ...]:
    """Where the code of a package lies, the package first; Audition's configs and plugins are its."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return ()
    if spec is None or spec.origin is None:
        return ()
    origin = Path(spec.origin)
    folder = origin.parent if origin.name == "__init__.py" else origin
    if package != "audition":
        return (folder,)
    return folder, folder.parent / "hydra_plugins", conf_dir()


def described(found: Changes, root: Path) -> Mapping[str, Any]:
    """A package's changes as data, their text kept in the ledger at `root`."""
    untracked = [*found.untracked, *([f"and {found.more:,} more"] if found.more else [])]
    return {
        "sha": found.sha,
        "diff": None if found.diff is None else kept(found.diff, root),
        "untracked": untracked,
    }


def kept(diff: Diff, root: Path) -> Mapping[str, Any]:
    """A diff's digest and size, and the file below `root` that has it."""
    file = f"{FOLDER}/{diff.digest[:16]}.diff"
    said = {"sha256": diff.digest, "bytes": diff.size, "lines": diff.lines}
    path = root / file
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, b"".join(_text(diff)))
        except OSError as error:
            why = error.strerror or error
            print(f"audition: cannot keep the diff of the code in {path}: {why}", file=sys.stderr)
            return said
    return {**said, "file": file, **({} if diff.whole else {"kept_bytes": len(diff.text)})}


def _text(diff: Diff) -> Iterable[bytes]:
    yield diff.text
    if not diff.whole:
        yield (
            f"\n[cut here: {diff.size:,} bytes in all, {diff.lines:,} lines, sha256 {diff.digest}]\n"
        ).encode()

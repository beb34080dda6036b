"""What `repro.json` says of a run's code: for each package its commit, and what was edited since."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any


@dataclass(frozen=True)
class State:
    """The code of one package."""

    package: str
    sha: str
    edits: str  # size, digest and place of the diff, for a person; empty without one
    digest: str  # of the diff; empty without one


def states_of(repro: Mapping[str, Any]) -> tuple[State, ...]:
    """By package. Audition 0.2 knew of its own alone, and kept the diff itself in `repro.json`."""
    git = repro.get("git") or {}
    if "sha" in git:
        git = {"audition": git}
    return tuple(_state(name, facts) for name, facts in git.items() if facts.get("sha"))


def _state(package: str, facts: Mapping[str, Any]) -> State:
    sha, diff = str(facts["sha"]), facts.get("diff")
    if not diff:
        return State(package, sha, "", "")
    if isinstance(diff, str):
        digest = sha256(diff.encode("utf-8", "replace")).hexdigest()
        lines, where = len(diff.splitlines()), ", kept in repro.json"
    else:
        digest, lines = str(diff["sha256"]), diff["lines"]
        where = f", kept in {diff['file']}" if "file" in diff else ", not kept"
    return State(package, sha, f"{lines:,} lines of diff ({digest[:8]}){where}", digest)

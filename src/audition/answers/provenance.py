"""Where numbers come from: code, versions, machine and card, from the folders of runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from audition.answers import ArmRuns
from audition.config.card import Card, check_card
from audition.errors import AuditionError
from audition.plain_file import read_text
from audition.records.codec import parsed
from audition.records.store import Ledger


@dataclass(frozen=True)
class Origin:
    """One state of code and machine, and how many runs were made in it."""

    runs: int
    facts: tuple[tuple[str, str], ...]  # (what, which)


def origins(ledger: Ledger, arms: Iterable[ArmRuns]) -> tuple[Origin, ...]:
    """Every distinct provenance of the settled runs of these arms, the most common first."""
    counted: dict[tuple[tuple[str, str], ...], int] = {}
    for arm in arms:
        for record in arm.records:
            if record.settled:
                repro = mapping_in(ledger.folder_of(record) / "repro.json")
                facts = (*_facts(repro), ("device", f"{record.device}, {record.threads} thread(s)"))
                counted[facts] = counted.get(facts, 0) + 1
    ordered = sorted(counted.items(), key=lambda item: -item[1])
    return tuple(Origin(runs, facts) for facts, runs in ordered)


def cards_of(ledger: Ledger, arm: ArmRuns) -> tuple[Card, ...]:
    """The cards of the arm's ideas as they read when it was last run."""
    newest = max(arm.records, key=lambda record: record.started)
    settings = mapping_in(ledger.folder_of(newest) / "config.yaml")
    plain = settings.get("cards")
    cards = []
    for name in newest.ideas:
        try:
            cards.append(check_card(name, plain.get(name) if isinstance(plain, Mapping) else None))
        except AuditionError:
            continue  # a card of an older protocol stays in its config.yaml
    return tuple(cards)


def _facts(repro: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if not repro:
        return (("repro.json", "missing"),)
    hardware = repro.get("hardware") or {}
    states = code_states(repro)
    alone = len(states) == 1
    commits = [s.sha if alone else f"{s.sha} ({s.package})" for s in states]
    edits = [s.edits if alone else f"{s.edits} ({s.package})" for s in states if s.edits]
    command = [str(word) for word in repro.get("command") or ()]
    versions = [f"{name} {v}" for name, v in (repro.get("versions") or {}).items() if v]
    machine = [hardware.get("processor"), hardware.get("machine"), hardware.get("system")]
    cores = hardware.get("cores")
    return (
        ("commit", ", ".join(commits) or "not a checkout"),
        ("uncommitted changes", ", ".join(edits) or "none"),
        ("versions", ", ".join(versions)),
        (
            "machine",
            ", ".join(str(m) for m in machine if m) + (f", {cores} cores" if cores else ""),
        ),
        ("typed", " ".join([Path(command[0]).name, *command[1:]]) if command else ""),
    )


def mapping_in(path: Path) -> Mapping[str, Any]:
    """The mapping in a JSON or YAML file; empty where none can be read."""
    try:
        text = read_text(path)
        plain = parsed(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return plain if isinstance(plain, Mapping) else {}


@dataclass(frozen=True)
class CodeState:
    """The code of one package: its commit, and what was edited since."""

    package: str
    sha: str
    edits: str  # size, digest and place of the diff, as text; empty without one
    digest: str  # of the diff; empty without one


def code_states(repro: Mapping[str, Any]) -> tuple[CodeState, ...]:
    """The code of each package that `repro.json` names.

    Audition 0.2 wrote its own alone, with the diff itself in the file.
    """
    git = repro.get("git") or {}
    if "sha" in git:
        git = {"audition": git}
    return tuple(_state(name, facts) for name, facts in git.items() if facts.get("sha"))


def _state(package: str, facts: Mapping[str, Any]) -> CodeState:
    sha, diff = str(facts["sha"]), facts.get("diff")
    if not diff:
        return CodeState(package, sha, "", "")
    if isinstance(diff, str):
        digest = sha256(diff.encode("utf-8", "replace")).hexdigest()
        lines, where = len(diff.splitlines()), ", kept in repro.json"
    else:
        digest, lines = str(diff["sha256"]), diff["lines"]
        where = f", kept in {diff['file']}" if "file" in diff else ", not kept"
    return CodeState(package, sha, f"{lines:,} lines of diff ({digest[:8]}){where}", digest)

"""What must be true of a ledger after a soak: whole, and the same as one that nobody disturbed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from json import loads
from pathlib import Path
from typing import Any

from audition.answers.run_diff import RESULTS
from audition.config.groups import deciding, root_of
from audition.records.record import Record
from audition.records.store import Ledger

NAMES = ("key", "config_hash", "baseline_hash", "arm", "ideas", "seed", "code", "cards")
MEASURE = ("budget", "evaluation", "device", "threads", "schema")
"""Under what a run is filed, and what its loss is a loss of; the rest is the hour and the process."""

COSMETIC = frozenset(group.name for group in deciding("filing", "watching"))
"""Overrides that decide no number."""

TIMED = ("seconds", "seconds_to_settle", "equal_time", "energy", "next")
"""Parts of a verdict that are of the clock; `next` tells times too, and a command for this ledger."""

LOGGED_EVERY = 10
"""Steps between two lines of `metrics.jsonl`."""


def whole(ledger: Ledger) -> Iterator[str]:
    """What is wrong with `ledger` by itself, a sentence each."""
    contents = ledger.read()
    for unreadable in contents.unreadable:
        yield f"a record is torn: {unreadable}"
    for path in sorted(ledger.root.glob("runs/**/*.unreadable*")):
        yield f"a record was torn, and moved aside: {path}"
    for key, times in Counter(record.key for record in contents.records).items():
        if times > 1:
            yield f"the run {key[:12]} exists {times} times"
    for record in contents.records:
        name, folder = named(record), ledger.folder_of(record)
        if not (folder / "record.json").exists():
            yield f"{name} is not filed in its own folder"
        if not record.settled:
            yield f"{name} has no outcome: it is {record.status} {record.reason}".rstrip()
        elif why := torn_metrics(folder / "metrics.jsonl", record):
            yield f"metrics.jsonl of {name} {why}"
        if ledger.claimed(folder):
            yield f"{name} is still claimed"


def torn_metrics(path: Path, record: Record) -> str:
    """What `path` lacks of the whole story of `record`, or has twice; empty where it is whole."""
    try:
        lines = [loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        return f"cannot be read ({error})"
    logged = [line["step"] for line in lines if "train/loss" in line]
    if logged != list(range(LOGGED_EVERY, record.steps + 1, LOGGED_EVERY)):
        return f"has gaps or doubles within its {len(logged)} logged steps"
    evaluated = [line["step"] for line in lines if "val/loss" in line]
    if not evaluated or evaluated[-1] != record.steps or evaluated != sorted({*evaluated}):
        return f"has evaluations at {evaluated}, and the run ends at {record.steps}"
    return ""


def alike(disturbed: Ledger, undisturbed: Ledger) -> Iterator[str]:
    """Where the two do not hold the same runs with the same numbers, a sentence each."""
    ours, theirs = ({named(r): r for r in each.read().records} for each in (disturbed, undisturbed))
    for name in sorted(theirs.keys() - ours.keys()):
        yield f"{name} is missing"
    for name in sorted(ours.keys() - theirs.keys()):
        yield f"{name} was never asked for"
    for name in sorted(ours.keys() & theirs.keys()):
        here, there = facts(ours[name]), facts(theirs[name])
        for fact in sorted(fact for fact in here if here[fact] != there[fact]):
            yield f"{name} has {fact} {here[fact]!r}, and undisturbed {there[fact]!r}"
        curves = [
            text_of(ledger.folder_of(record) / "metrics.jsonl")
            for ledger, record in ((disturbed, ours[name]), (undisturbed, theirs[name]))
        ]
        if curves[0] != curves[1]:
            yield f"metrics.jsonl of {name} is not that of the undisturbed run"


def same_answer(
    disturbed: Sequence[Mapping[str, Any]], undisturbed: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Where two verdicts differ in more than times, a sentence each."""
    ours, theirs = timeless(disturbed), timeless(undisturbed)
    if not ours or len(ours) != len(theirs):
        yield f"there are {len(ours)} verdicts, and undisturbed {len(theirs)}"
    for here, there in zip(ours, theirs, strict=False):
        for fact in sorted(here.keys() | there.keys()):
            if here.get(fact) != there.get(fact):
                yield (
                    f"the verdict on {there['idea']} has {fact} {here.get(fact)!r}, and "
                    f"undisturbed {there.get(fact)!r}"
                )


def timeless(value: Any) -> Any:
    """A verdict without what the clock decides."""
    if isinstance(value, Mapping):
        return {key: timeless(each) for key, each in value.items() if key not in TIMED}
    return [timeless(each) for each in value] if isinstance(value, list | tuple) else value


def facts(record: Record) -> dict[str, Any]:
    """What the settings of a run decide, as JSON can hold it, so that a gap equals itself."""
    plain = record.to_dict()
    kept = {name: plain[name] for name in (*NAMES, *MEASURE, *RESULTS)}
    return kept | {"overrides": [o for o in record.overrides if root_of(o) not in COSMETIC]}


def left_over(ledger: Ledger) -> Counter[str]:
    """Files that killed processes left behind and nobody needs, by kind; they block nothing."""
    kinds = {
        "claim.*": "claims of the dead",
        ".*.json.*": "parts of files",
        "checkpoint*": "checkpoints",
    }
    found = {kind: sorted(ledger.root.glob(f"runs/*/*/*/{form}")) for form, kind in kinds.items()}
    return Counter({kind: len(paths) for kind, paths in found.items() if paths})


def text_of(path: Path) -> str | None:
    """What a file says; None where there is none that can be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def named(record: Record) -> str:
    """What a person calls the run."""
    return f"{record.arm} seed {record.seed}"

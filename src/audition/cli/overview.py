"""`audition` without a command: what is running, the latest verdict, and what to type next."""

import shlex
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audition.cli.command import JSON, LEDGER, command, emit
from audition.cli.output_dir import DEFAULT
from audition.records.store import Ledger, is_ledger


@dataclass(frozen=True)
class Overview:
    """Where a ledger stands."""

    ledger: str
    runs: Mapping[str, int]  # status -> how many; running: those that a process is at
    plan: str = ""  # digest of the latest one
    planned: Mapping[str, int] | None = None  # status -> how many of its runs
    seconds_left: float | None = None  # of the latest plan, where it can be told
    verdict: Mapping[str, Any] | None = None  # on the arm whose runs are the newest
    said: str = ""  # the verdict in a line
    next: str = ""  # the command to type
    why: str = ""


@command("where this ledger stands, and what to type next", LEDGER, JSON)
def overview(options: Namespace) -> None:
    """`audition`"""
    root: Path = options.output_dir
    if root == Path(DEFAULT) and not is_ledger(root):
        found = Overview(
            str(root),
            {},
            next=f"{_train()} +idea=spectral_gate seed=42,137,256 -m",
            why="trains an idea and its baseline on the same three seeds, and prints a verdict",
        )
    else:
        found = look(Ledger.found(root))
    emit(options, found, lambda: show(found))


def look(ledger: Ledger) -> Overview:
    """What the ledger says of itself now."""
    from audition.answers import judge_arms
    from audition.answers.campaign import seconds_left
    from audition.records.registration import registrations
    from audition.report.terminal import one_line
    from audition.sweep.cluster.campaigns import find

    records, plans = ledger.read().records, registrations(ledger.root)
    runs = Counter[str](r.status for r in records if r.status != "running")
    live = [r for r in records if r.status == "running" and ledger.claimed(ledger.folder_of(r))]
    runs["running"] = len(live)
    latest = find(ledger.root, None) if plans else None
    compared = [r for r in records if r.settled and r.baseline_hash not in ("", r.config_hash)]
    newest = max(compared, key=lambda record: record.started, default=None)
    judged = judge_arms(records, [newest.arm], plans=plans) if newest else []
    judgement = judged[0] if judged else None
    states = Counter(state.word for state in latest.states) if latest else Counter[str]()
    command, why = _next(
        bool(live), states, latest.plan.command if latest else "", judgement and judgement.arm.name
    )
    return Overview(
        ledger=str(ledger.root),
        runs={status: number for status, number in runs.items() if number},
        plan=latest.plan.digest() if latest else "",
        planned=dict(states) if latest else None,
        seconds_left=seconds_left(latest.states) if latest else None,
        verdict=judgement.to_dict() if judgement else None,
        said=one_line(judgement) if judgement else "",
        next=command,
        why=why,
    )


def _next(
    running: bool, states: Mapping[str, int], typed: str, arm: str | None
) -> tuple[str, str]:
    """The command to type, and what it does."""
    if running:
        return "audition watch", "follows the runs under way"
    if states.get("queued"):
        return "audition status", "says what the queue waits for"
    left = sum(states.get(word, 0) for word in ("not started", "interrupted", "failed", "running"))
    if left and typed:
        return typed, "goes on with the runs that have no outcome yet"
    if arm is not None:
        return f"audition verdict {shlex.quote(arm)}", "shows the verdict with all it rests on"
    return f"{_train()} +idea=NAME seed=42,137,256 -m", "compares an idea with its baseline"


def show(found: Overview) -> None:
    """The same for a reader."""
    from audition.text import count, roughly

    if found.runs or found.plan:
        counts = ", ".join(f"{number} {status}" for status, number in found.runs.items())
        print(f"ledger   {found.ledger}: {counts or 'no run yet'}")
    else:
        print(f"ledger   none yet in {found.ledger}, nor in a folder above")
    if found.planned is not None:
        where = ", ".join(f"{number} {word}" for word, number in found.planned.items())
        left = "" if found.seconds_left is None else f"; about {roughly(found.seconds_left)} left"
        print(f"sweep    plan {found.plan}, {count(sum(found.planned.values()), 'run')}: {where}{left}")
    if found.said:
        print(f"verdict  {found.said}")
    print(f"next     {found.next}")
    print(f"         {found.why}; audition --help lists every command")


def _train() -> str:
    """How training is begun here: `python -m src.train` needs a checkout, `audition train` does not."""
    return "python -m src.train" if Path("src/train.py").is_file() else "audition train"

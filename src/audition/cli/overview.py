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
    runs: Mapping[str, int]  # status -> how many; running: those that a process is training
    plan: str = ""  # digest of the latest sweep
    planned: Mapping[str, int] | None = None  # status -> how many of its runs
    seconds_left: float | None = None  # of the latest sweep, where it can be told
    verdict: Mapping[str, Any] | None = None  # on the arm whose runs are the newest
    said: str = ""  # the same in a sentence
    next: str = ""  # the command to type
    why: str = ""


@command("where this ledger stands, and what to type next", LEDGER, JSON)
def overview(options: Namespace) -> None:
    """`audition`"""
    from audition.console import train_command

    root: Path = options.output_dir
    if root == Path(DEFAULT) and not is_ledger(root):
        found = Overview(
            str(root),
            {},
            next=train_command("+idea=spectral_gate", "seed=42,137,256", "-m"),
            why="train an idea and its baseline on the same three seeds, to a verdict",
        )
    else:
        found = look(Ledger.found(root))
    emit(options, found, lambda: show(found))


def look(ledger: Ledger) -> Overview:
    """What the ledger at `root` says of itself now."""
    from audition.answers import judge_arms
    from audition.answers.campaign import seconds_left
    from audition.answers.commands import next_step
    from audition.records.registration import registrations
    from audition.report.verdict_text import headline
    from audition.sweep.cluster.campaigns import find

    records, plans = ledger.read().records, registrations(ledger.root)
    runs = Counter[str](r.status for r in records if r.status != "running")
    live = [r for r in records if r.status == "running" and ledger.claimed(ledger.folder_of(r))]
    runs["running"] = len(live)
    latest = find(ledger.root, None) if plans else None
    states = Counter(state.word for state in latest.states) if latest else Counter[str]()
    judgements = judge_arms(records, plans=plans)
    judgement = max(judgements, key=lambda judged: judged.arm.latest, default=None)
    said = ""
    if judgement:
        c = judgement.comparison
        said = f"{c.idea}: {c.verdict}{f' ({c.kind})' if c.kind else ''}. {headline(judgement)}"
    under_way = _under_way(ledger, bool(live), states, latest.plan.command if latest else "")
    if under_way:
        why, typed = under_way
    elif judgement:
        step = next_step(judgement, ledger.root)
        why, typed = step.text, step.command
    else:
        why, typed = "compare an idea with its baseline", _comparison(ledger)
    return Overview(
        ledger=str(ledger.root),
        runs={status: number for status, number in runs.items() if number},
        plan=latest.plan.digest() if latest else "",
        planned=dict(states) if latest else None,
        seconds_left=seconds_left(latest.states) if latest else None,
        verdict=judgement.to_dict() if judgement else None,
        said=said,
        next=typed,
        why=why,
    )


def _under_way(
    ledger: Ledger, running: bool, states: Mapping[str, int], typed: str
) -> tuple[str, str] | None:
    """What to do, and the command, where runs are being trained or have no outcome yet."""
    from audition.answers.commands import audition_command
    from audition.console import train_door

    if running:
        return "follow the runs under way", audition_command("watch", ledger.root)
    if states.get("queued"):
        return "see what the queue waits for", audition_command("status", ledger.root)
    left = sum(states.get(word, 0) for word in ("not started", "interrupted", "failed", "running"))
    if left and typed:
        whole = typed.startswith(("python ", "audition "))  # as plans have it from 0.4 on
        again = typed if whole else f"{shlex.join(train_door())} {typed}"
        return "go on with the runs that have no outcome yet", again
    return None


def _comparison(ledger: Ledger) -> str:
    from audition.cli.output_dir import override
    from audition.console import train_command

    where = [] if ledger.root == Path(DEFAULT) else [override(str(ledger.root))]
    return train_command("+idea=spectral_gate", "seed=42,137,256", *where, "-m")


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
        runs = count(sum(found.planned.values()), "run")
        print(f"sweep    plan {found.plan}, {runs}: {where}{left}")
    if found.said:
        print(f"verdict  {found.said}")
    print(f"next     {found.why}{':' if found.next else ''}")
    if found.next:
        print(f"         {found.next}")
    print("         (audition --help lists every command)")

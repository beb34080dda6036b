"""`audition` without a command: what is running, the latest verdicts, and what to type next."""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from shlex import join
from typing import TYPE_CHECKING, Any

from audition.cli.command import JSON, LEDGER, command, emit, option
from audition.command_line import OUTPUTS, audition_command, in_ledger, train_command, train_door
from audition.records.contents import contents_of
from audition.records.store import Ledger, is_ledger

if TYPE_CHECKING:
    from audition.answers import Judgement
    from audition.records.registration import Registration

SHOWN = 12
"""The most verdicts that are listed."""


@dataclass(frozen=True)
class Overview:
    """Where a ledger stands."""

    ledger: str
    runs: Mapping[str, int]  # status -> how many; running: those that a process is training
    plan: str = ""  # digest of the latest sweep
    planned: Mapping[str, int] | None = None  # status -> how many of its runs
    seconds_left: float | None = None  # of the latest sweep, where it can be told
    verdicts: Sequence[Mapping[str, Any]] = ()  # of the latest sweep, the largest gain first
    said: Sequence[str] = ()  # the same, a sentence each
    next: str = ""  # the command to type
    why: str = ""


class Version(Action):
    """Prints the versions of what computes, and ends the command."""

    def __call__(self, parser: ArgumentParser, *given: object) -> None:
        print(
            f"audition {version('audition')} (Python {python_version()}, torch {version('torch')})"
        )
        parser.exit()


@command(
    "where this ledger stands, and what to type next",
    *(
        LEDGER,
        JSON,
        option("--version", action=Version, nargs=0, default=SUPPRESS, help="print it"),
    ),
)
def overview(options: Namespace) -> None:
    """`audition`"""
    root: Path = options.output_dir
    if root == Path(OUTPUTS) and not is_ledger(root):
        found = Overview(
            str(root),
            {},
            next=_comparison(root),
            why="train an idea and its baseline on the same three seeds, to a verdict",
        )
    else:
        found = look(Ledger.found(root))
    emit(options, found, lambda: show(found))


def look(ledger: Ledger) -> Overview:
    """What the ledger at `root` says of itself now."""
    from audition.answers import judge_arms
    from audition.answers.campaign import seconds_left
    from audition.answers.judgement import leading
    from audition.answers.next_step import next_step
    from audition.records.registration import registrations
    from audition.report.runs import show_problems
    from audition.report.verdict_notes import other_answer
    from audition.report.verdict_text import headline
    from audition.sweep.cluster.campaigns import find

    contents, plans = contents_of(ledger), registrations(ledger.root)
    show_problems(contents)
    records = contents.records
    runs = Counter[str](r.status for r in records if r.status != "running")
    live = [r for r in records if r.status == "running" and ledger.claimed(ledger.folder_of(r))]
    runs["running"] = len(live)
    latest = find(ledger.root, None) if plans else None
    states = Counter(state.word for state in latest.states) if latest else Counter[str]()
    judgements = _latest(judge_arms(records, plans=plans), plans)
    said = []
    for judgement in judgements:
        today = judgement
        if judgement.other is not None:  # the plan's answer, as the sweep printed it
            judgement = replace(judgement.other, other=replace(judgement, other=None))
        c = judgement.comparison
        kind = f" ({c.kind})" if c.kind else ""
        beside = f" {other_answer(judgement)}" if judgement is not today else ""
        said.append(f"{c.idea}: {c.verdict}{kind}. {headline(judgement)}{beside}")
    under_way = _under_way(ledger, bool(live), states, latest.plan.command if latest else "")
    if under_way:
        why, typed = under_way
    elif judgements:
        lead = leading(judgements)
        step = next_step(lead, ledger.root)
        which = f"{lead.comparison.idea}: " if len(judgements) > 1 else ""
        why, typed = f"{which}{step.text}", step.command
    else:
        why, typed = "compare an idea with its baseline", _comparison(ledger.root)
    return Overview(
        ledger=str(ledger.root),
        runs={status: number for status, number in runs.items() if number},
        plan=latest.plan.digest() if latest else "",
        planned=dict(states) if latest else None,
        seconds_left=seconds_left(latest.states) if latest else None,
        verdicts=[judgement.to_dict() for judgement in judgements],
        said=said,
        next=typed,
        why=why,
    )


def _latest(
    judgements: "Sequence[Judgement]", plans: "Sequence[Registration]"
) -> "list[Judgement]":
    """Those of the latest plan that has some, the largest gain first; of no plan, the newest one."""
    from audition.answers.judgement import best_first

    for plan in reversed(plans):
        own = [judged for judged in judgements if plan.arm(judged.arm.config_hash)]
        if own and not plan.screening:
            return best_first(own)
    newest = max(judgements, key=lambda judged: judged.arm.latest, default=None)
    return [newest] if newest else []


def _under_way(
    ledger: Ledger, running: bool, states: Mapping[str, int], typed: str
) -> tuple[str, str] | None:
    """What to do, and the command, where runs are being trained or have no outcome yet."""
    if running:
        return "follow the runs under way", audition_command("watch", ledger.root)
    if states.get("queued"):
        return "see what the queue waits for", audition_command("status", ledger.root)
    left = sum(states.get(word, 0) for word in ("not started", "interrupted", "failed", "running"))
    if left and typed:
        whole = typed.startswith(("python ", "audition "))  # as plans have it from 0.4 on
        again = typed if whole else f"{join(train_door())} {typed}"
        return "go on with the runs that have no outcome yet", again
    return None


def _comparison(root: Path) -> str:
    return train_command("+idea=spectral_gate", "seed=42,137,256", *in_ledger(root), "-m")


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
    for number, line in enumerate(found.said[:SHOWN]):
        print(f"{'' if number else 'verdict':<8} {line}")
    if more := len(found.said[SHOWN:]):
        print(f"         and {more} more: {audition_command('verdict', Path(found.ledger))}")
    print(f"next     {found.why}{':' if found.next else ''}")
    if found.next:
        print(f"         {found.next}")
    print("         (audition --help lists every command)")

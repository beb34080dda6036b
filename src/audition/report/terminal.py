"""Verdicts in the terminal: the answer, what to type next, and what it rests on."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from audition.answers import Judgement
from audition.answers.judgement import best_first, leading
from audition.answers.next_step import next_step
from audition.answers.verdict import Verdict, verdicts
from audition.command_line import OUTPUTS, audition_command
from audition.console import console, table
from audition.labels import labels
from audition.records.store import Ledger
from audition.report.registered import (
    CONFIRMATORY,
    EXPLORATORY,
    NONE_LEFT,
    WEIGHTS,
    further_lines,
    is_confirmatory,
    of_report,
    registered_lines,
    registered_notes,
)
from audition.report.savings import show_claims
from audition.report.verdict_notes import DIGEST, contradictions, notes, other_answer
from audition.report.verdict_text import Line, headline, lines
from audition.text import count, gain, gain_interval, probability

COLOURS = {
    "supported": "bold green",
    "refuted": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
}
MANY = 2
"""Verdicts above which each is given a line, unless they are asked for whole."""
NUMBERS = 80
"""Columns that the line of a verdict needs beside the arm's name."""
ROOM = 40
"""Columns of that name in a table."""


def show_judgements(
    judgements: Sequence[Judgement], ledger: Ledger, *, whole: bool = False
) -> None:
    """Each verdict with what it rests on, the largest gain first; `ledger` has the runs' curves.

    More than MANY are a line each, unless they are asked for `whole`.
    """
    if len(judgements) > MANY and not whole:
        return show_lines(judgements, ledger)
    return show_verdicts(verdicts(ledger, best_first(judgements)), ledger.root)


def show_verdicts(verdicts: Sequence[Verdict], root: Path = Path(OUTPUTS)) -> None:
    """Each verdict whole; those of a registered report in its two parts.

    Where its plan says another thing on its own runs than the ledger at `root`, that is said first.
    """
    registered = of_report([verdict.judgement for verdict in verdicts])
    if not registered:
        for verdict in verdicts:
            _show_verdict(verdict, root, lines(verdict), notes(verdict.judgement))
        return
    confirmed = [verdict for verdict in verdicts if is_confirmatory(verdict.judgement)]
    _show_heading(CONFIRMATORY, *registered, *(() if confirmed else (NONE_LEFT,)))
    for verdict in confirmed:
        own = registered_notes(verdict.judgement)
        _show_verdict(verdict, root, registered_lines(verdict), own)
    _show_heading(EXPLORATORY)
    for verdict in confirmed:
        out = console()
        out.print(
            Text.assemble("\n", (verdict.judgement.comparison.idea, "bold"), ": beside its test")
        )
        _show_facts(further_lines(verdict), contradictions(verdict.judgement))
    for verdict in verdicts:
        if verdict not in confirmed:
            why = tuple(map(_exploratory, verdict.judgement.standing.why_exploratory[:1]))
            _show_verdict(verdict, root, lines(verdict), (*why, *notes(verdict.judgement)))


def _exploratory(why: str) -> str:
    return f"In the exploratory part: {why}."


def _show_heading(heading: str, *sentences: str) -> None:
    out = console()
    out.print(Text(f"\n{heading}", "bold underline"))
    for sentence in sentences:
        out.print(Text(sentence))


def _show_verdict(
    verdict: Verdict, root: Path, facts: Sequence[Line], own_notes: Sequence[str]
) -> None:
    judgement, step, out = verdict.judgement, verdict.next, console()
    c = judgement.comparison
    kind = f" ({c.kind})" if c.kind else ""
    said = Text.assemble((c.idea, "bold"), ": ", (f"{c.verdict}{kind}", COLOURS[c.verdict]), ". ")
    out.print()
    planned = ""
    if judgement.other is not None and judgement.other.of_plan:
        planned = other_answer(judgement)
        again = audition_command(f"verdict --plan {judgement.other.of_plan[:DIGEST]}", root)
        out.print(Text(planned))
        out.print(Text(f"    {again}", "bold"), soft_wrap=True)
        out.print(Text("The whole ledger today:"))
    out.print(said.append(headline(judgement)))
    if judgement.weight:
        out.print(Padding(Text(WEIGHTS[judgement.weight], "bold"), (0, 0, 0, 2)))
    out.print(Padding(Text(f"Next: {step.text}{':' if step.command else '.'}"), (0, 0, 0, 2)))
    if step.command:
        out.print(Text(f"    {step.command}", "bold"), soft_wrap=True)
    _show_facts(facts, [note for note in own_notes if note != planned])


def _show_facts(facts: Sequence[Line], own_notes: Sequence[str]) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, text in facts:
        grid.add_row(name, Text(text))
    for note in own_notes:
        grid.add_row("[yellow]note[/]", Text(note))
    console().print(Padding(grid, (0, 0, 0, 2)))


def show_lines(judgements: Sequence[Judgement], ledger: Ledger) -> None:
    """Many verdicts, a line each, and how to see one whole."""
    out = console(NUMBERS + ROOM)
    verdicts = Counter[str](j.comparison.verdict for j in judgements)
    named = ", ".join(f"{verdicts[word]} {word}" for word in COLOURS if verdicts[word])
    families = sorted({j.comparison.family_size for j in judgements})
    out.print(
        f"{count(len(judgements), 'verdict')}: {named}. Interval and p are {_sides(judgements)}, "
        f"adjusted for the {' or '.join(f'{size:,}' for size in families)} ideas compared with the "
        "baseline."
    )
    headings = (
        "arm",
        "verdict",
        ">seeds",
        ">gain",
        f">{_level(judgements)} interval",
        ">p adj.",
        "standing",
    )
    ordered = ranked = best_first(judgements)
    lead = leading(judgements)
    names = dict(
        zip(map(id, ranked), labels([j.comparison.idea for j in ranked], ROOM), strict=True)
    )
    if registered := of_report(judgements):
        confirmed = list(filter(is_confirmatory, ranked))
        _show_heading(CONFIRMATORY, *registered, *(() if confirmed else (NONE_LEFT,)))
        if confirmed:
            out.print(table(headings, (_line(names[id(j)], j) for j in confirmed)))
        _show_heading(EXPLORATORY)
        ranked = [judgement for judgement in ranked if not is_confirmatory(judgement)]
    if ranked:
        out.print(table(headings, (_line(names[id(j)], j) for j in ranked)))
    show_claims([names[id(j)] for j in ordered], ordered, NUMBERS + ROOM)
    step, first = next_step(lead, ledger.root), names[id(lead)]
    out.print(Text(f"Next, of {first}: {step.text}{':' if step.command else '.'}"))
    if step.command:
        out.print(Text(f"    {step.command}", "bold"), soft_wrap=True)
    others = [j.other for j in judgements if j.other is not None]
    if others:
        plan = others[0].of_plan
        asks = f"verdict --plan {plan[:DIGEST]}" if plan else "verdict"
        whose = "Plans, on their own runs alone, have" if plan else "The whole ledger today has"
        said = f"{whose} other numbers for {len(others)} of them: "
        out.print(Text(f"{said}{audition_command(asks, ledger.root)}."), soft_wrap=True)
    one, every, board = (
        audition_command(name, ledger.root)
        for name in ("verdict ARM", "verdict --whole", "leaderboard")
    )
    more = f"One whole: {one}. All whole: {every}. In other orders, with prices: {board}."
    out.print(Text(more, "dim"), soft_wrap=True)


def _sides(judgements: Sequence[Judgement]) -> str:
    return " or ".join(sorted({f"{j.comparison.sides}-sided" for j in judgements}))


def _level(judgements: Sequence[Judgement]) -> str:
    return " or ".join(sorted({f"{100 * j.comparison.level:.4g} %" for j in judgements}))


def _line(name: str, judgement: Judgement) -> Sequence[str | Text]:
    c, how = judgement.comparison, judgement.measure
    return (
        name,
        Text(c.kind or c.verdict, COLOURS[c.verdict]),
        f"{c.n} : {c.n_baseline}",
        gain(c.improvement, how),
        gain_interval(c.ci, how),
        probability(c.p_adjusted),
        judgement.standing.word,
    )

"""Verdicts in the terminal: the answer, what to type next, and what it rests on."""

from collections import Counter
from collections.abc import Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from audition.answers import Judgement
from audition.answers.judgement import best_first
from audition.answers.verdict import Verdict, verdicts
from audition.command_line import audition_command
from audition.console import console, table
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
from audition.report.verdict_text import Line, contradictions, headline, lines, notes
from audition.text import count, gain, gain_interval, probability

COLOURS = {
    "supported": "bold green",
    "refuted": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
}
MANY = 12
"""Verdicts from which on each is given a line, unless all are asked for whole."""
NUMBERS = 80
"""Columns that the line of a verdict needs beside the arm's name."""


def show_judgements(
    judgements: Sequence[Judgement], ledger: Ledger, *, whole: bool = False
) -> None:
    """Each verdict with what it rests on; `ledger` has the runs' curves.

    More than a dozen are a line each, the largest gain first, unless they are asked for `whole`.
    """
    if len(judgements) > MANY and not whole:
        return show_lines(judgements, ledger)
    return show_verdicts(verdicts(ledger, judgements))


def show_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Each verdict whole; those of a registered report in its two parts."""
    registered = of_report([verdict.judgement for verdict in verdicts])
    if not registered:
        for verdict in verdicts:
            _show_verdict(verdict, lines(verdict), notes(verdict.judgement))
        return
    confirmed = [verdict for verdict in verdicts if is_confirmatory(verdict.judgement)]
    _show_heading(CONFIRMATORY, *registered, *(() if confirmed else (NONE_LEFT,)))
    for verdict in confirmed:
        own = registered_notes(verdict.judgement)
        _show_verdict(verdict, registered_lines(verdict), own)
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
            _show_verdict(verdict, lines(verdict), (*why, *notes(verdict.judgement)))


def _exploratory(why: str) -> str:
    return f"In the exploratory part: {why}."


def _show_heading(heading: str, *sentences: str) -> None:
    out = console()
    out.print(Text(f"\n{heading}", "bold underline"))
    for sentence in sentences:
        out.print(Text(sentence))


def _show_verdict(verdict: Verdict, facts: Sequence[Line], own_notes: Sequence[str]) -> None:
    judgement, step, out = verdict.judgement, verdict.next, console()
    c = judgement.comparison
    kind = f" ({c.kind})" if c.kind else ""
    said = Text.assemble((c.idea, "bold"), ": ", (f"{c.verdict}{kind}", COLOURS[c.verdict]), ". ")
    out.print()
    out.print(said.append(headline(judgement)))
    if judgement.weight:
        out.print(Padding(Text(WEIGHTS[judgement.weight], "bold"), (0, 0, 0, 2)))
    out.print(Padding(Text(f"Next: {step.text}{':' if step.command else '.'}"), (0, 0, 0, 2)))
    if step.command:
        out.print(Text(f"    {step.command}", "bold"), soft_wrap=True)
    _show_facts(facts, own_notes)


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
    out = console(NUMBERS + max(len(judgement.comparison.idea) for judgement in judgements))
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
    ranked = best_first(judgements)
    if registered := of_report(judgements):
        confirmed = list(filter(is_confirmatory, ranked))
        _show_heading(CONFIRMATORY, *registered, *(() if confirmed else (NONE_LEFT,)))
        if confirmed:
            out.print(table(headings, map(_line, confirmed)))
        _show_heading(EXPLORATORY)
        ranked = [judgement for judgement in ranked if not is_confirmatory(judgement)]
    if ranked:
        out.print(table(headings, map(_line, ranked)))
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


def _line(judgement: Judgement) -> Sequence[str | Text]:
    c, how = judgement.comparison, judgement.measure
    return (
        c.idea,
        Text(c.kind or c.verdict, COLOURS[c.verdict]),
        f"{c.n} : {c.n_baseline}",
        gain(c.improvement, how),
        gain_interval(c.ci, how),
        probability(c.p_adjusted),
        judgement.standing.word,
    )

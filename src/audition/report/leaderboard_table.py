"""The leaderboard as a table in the terminal, or as a file for a paper or a data frame."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.text import Text

from audition.amount import COSTS
from audition.answers.energy import source_name
from audition.answers.leaderboard import Leaderboard, Row
from audition.console import console, table
from audition.errors import AuditionError, choices, writing
from audition.labels import labels
from audition.plain_file import write_whole
from audition.report.terminal import COLOURS, ROOM
from audition.text import (
    UNDEFINED,
    count,
    direction,
    gain,
    gain_interval,
    in_unit,
    level,
    number,
    one,
    probability,
)

COLUMNS = ("", "idea", "verdict", "n", "gain", "interval", "p adj.", "card", "time", "equal\ntime")
FIRST_NUMBER = 3
NAMED = 5
"""Ideas that a note names at most."""


def show_leaderboard(board: Leaderboard, *, top: int = 0) -> None:
    """The table, `top` rows of it (all at 0), and notes on what its numbers mean."""
    out = console()
    shown = board.rows[:top] if top else board.rows
    out.print(Text(caption(board)))
    left, right = ("", *columns(board)[1:FIRST_NUMBER]), columns(board)[FIRST_NUMBER:]
    rows: list[Sequence[str | Text]] = []
    names = labels([row.name for row in board.rows], ROOM)
    for place, (row, name) in enumerate(zip(shown, names, strict=False), start=1):
        _, verdict, *cells = _cells(row, board)
        colour = COLOURS[row.judgement.comparison.verdict]
        rows.append((str(place), name, Text(verdict, colour), *cells))
    headings = (f">{left[0]}", *left[1:], *(f">{name}" for name in right))
    out.print(table(headings, rows, gap=1))
    if len(shown) < len(board.rows):
        out.print(f"… and {len(board.rows) - len(shown):,} more; --top 0 shows all of them")
    for note in notes(board, shown):
        out.print(Text(note, "dim"))


def columns(board: Leaderboard) -> tuple[str, ...]:
    """The headings: claims, and joules only where a row has some beside the baseline's."""
    claims = (f"{cost}\n1/{k:g}" for cost, k in _claims(board).items())
    return (*COLUMNS, *claims, *(["energy"] if _metered(board) else []))


def _claims(board: Leaderboard) -> dict[str, float]:
    """Cost -> k, of the claims whose costs were come by in one way on all rows."""
    found: dict[str, float] = {}
    methods: dict[str, set[str]] = {}
    for row in board.rows:
        for claim in row.judgement.claims:
            found.setdefault(claim.cost, claim.k)
            methods.setdefault(claim.cost, set()).update({claim.method} - {""})
    return {cost: k for cost, k in found.items() if len(methods[cost]) == 1}


def _metered(board: Leaderboard) -> bool:
    return any(row.joules.tested is not None for row in board.rows)


def caption(board: Leaderboard) -> str:
    """What everything is compared with, and the family."""
    baseline, c = board.baseline, board.rows[0].judgement.comparison
    how = baseline.measure
    return (
        f"Baseline {baseline.config_hash[:8]}: {count(len(baseline.losses), 'seed')}, {how.label} "
        f"{level(how.as_loss(c.baseline_mean), how)} ({direction(how)}). "
        f"{count(board.family_size, 'idea')} ever compared with it; p and the {100 * c.level:.4g} % "
        f"intervals are {c.sides}-sided and adjusted for all of them ({c.adjustment}). This is "
        "what the whole ledger says today, not what a plan said on its own runs (verdict --plan)."
    )


def notes(board: Leaderboard, shown: Sequence[Row]) -> list[str]:
    """The winner's curse, gains that time takes back, ideas without a result."""
    how, unit = board.baseline.measure, one(board.baseline.unit)
    said = [
        f"gain: {in_unit('in', how)}, positive = better; time: training time over the baseline's; "
        "equal time: the gain when both train for the shorter arm's seconds."
        if how.unit
        else "gain: positive = better; time: training time over the baseline's; equal time: the gain "
        "when both train for the shorter arm's seconds."
    ]
    if _metered(board):
        measured = next(row.joules.source for row in board.rows if row.joules.tested)
        left = [row.name for row in board.rows if row.joules.sentence and not row.joules.tested]
        said.append(
            f"energy: joules of a run over the baseline's, {source_name(measured)}"
            + (f"; left out, metered otherwise: {', '.join(left[:NAMED])}." if left else ".")
        )
    said += _of_claims(board)
    best, spread = board.best, board.shrinkage
    if best is not None and spread is not None:
        said.append(
            f"Winner's curse: the best of {count(len(board.rows), 'idea')} owes some of its place to "
            f"luck. {best.name} gained {gain(best.judgement.comparison.improvement, how)}; drawn "
            f"towards the mean of all ideas ({gain(spread.mean, how)}) it is "
            f"{gain(best.shrunken, how)} {gain_interval(best.shrunken_ci, how)}."
        )
    dearer = [row for row in shown if row.time.per_unit > 0 > row.time.per_second]
    if dearer:
        named = ", ".join(
            f"{row.name} ({gain(row.time.per_unit, how)} per {unit}, "
            f"{gain(row.time.per_second, how)} per second)"
            for row in dearer[:NAMED]
        )
        named += f" and {len(dearer) - NAMED:,} more" if len(dearer) > NAMED else ""
        said.append(f"Ahead per {unit} but behind per second: {named}.")
    if board.without_result:
        named = ", ".join(board.without_result[:NAMED])
        more = ", …" if len(board.without_result) > NAMED else ""
        said.append(
            f"Counted in the family without a result yet: {named}{more} "
            f"({len(board.without_result):,})."
        )
    return said


def _of_claims(board: Leaderboard) -> list[str]:
    """How each claimed cost was come by, and what a claim's numbers are."""
    every = [claim for row in board.rows for claim in row.judgement.claims]
    shown = _claims(board)
    methods = {claim.cost: claim.method for claim in every if claim.method}
    said = [
        f"{cost} 1/{k:g}: the same for at most 1/{k:g} of the {COSTS[cost].says} ({methods[cost]}), "
        "and how many times less it is at the least, where the loss is not worse by δ."
        for cost, k in shown.items()
    ]
    left = dict.fromkeys(claim.cost for claim in every if claim.cost not in shown)
    said += [
        f"The claim of {cost} is left out: it was come by in several ways, or in none, and one table "
        "does not mix them."
        for cost in left
    ]
    return said


def export(board: Leaderboard, path: Path) -> None:
    """Write the leaderboard as its suffix says: every fact (csv, parquet), or the table (md, tex).

    Raises AuditionError for another suffix, a file that cannot be written, or parquet without
    pandas and pyarrow.
    """
    if path.suffix not in FORMATS:
        raise AuditionError(f"cannot export to '{path.name}'{choices(path.suffix, FORMATS)}")
    content = FORMATS[path.suffix](board)
    with writing(path):
        write_whole(path, content)


def _cells(row: Row, board: Leaderboard) -> list[str]:
    c, how = row.judgement.comparison, row.judgement.measure
    rule = c.seed_rule
    passed = UNDEFINED if rule is None or rule.passed is None else "passed" if rule.passed else "no"
    return [
        row.name,
        c.kind or c.verdict,
        str(c.n),
        gain(c.improvement, how),
        gain_interval(c.ci, how) if not math.isnan(c.ci[0]) else UNDEFINED,
        probability(c.p_adjusted),
        passed,
        f"{number(row.time_ratio, '.2f')} ×",
        gain(row.time.per_second, how),
        *(_claim(row, cost) for cost in _claims(board)),
        *([_joules(row)] if _metered(board) else []),
    ]


def _claim(row: Row, cost: str) -> str:
    found = next((claim for claim in row.judgement.claims if claim.cost == cost), None)
    if found is None:
        return UNDEFINED
    role = "control, " if found.is_control else ""
    score = "" if found.score is None else f" {number(found.score, '.2f')} ×"
    return f"{role}{found.word}{score}"


def _joules(row: Row) -> str:
    found = row.joules
    return UNDEFINED if found.tested is None else f"{number(found.ratio, '.2f')} ×"


def _csv(board: Leaderboard) -> str:
    facts = [row.facts() for row in board.rows]
    text = io.StringIO()
    named = list(dict.fromkeys(name for line in facts for name in line))
    writer = csv.DictWriter(text, fieldnames=named, lineterminator="\n")
    writer.writeheader()
    for line in facts:
        writer.writerow({k: "" if v is None or v != v else v for k, v in line.items()})
    return text.getvalue()


def _markdown(board: Leaderboard) -> str:
    numbered = [[str(place), *_cells(row, board)] for place, row in enumerate(board.rows, start=1)]
    headings = columns(board)
    rule = ["---" if k in (1, 2) else "---:" for k in range(len(headings))]
    lines = [
        [name.replace("\n", " ") for name in headings],
        rule,
        *([cell.replace("|", "\\|") for cell in row] for row in numbered),
    ]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n\n".join([caption(board), table, *notes(board, board.rows)]) + "\n"


def _latex(board: Leaderboard) -> str:
    headings = columns(board)
    header = " & ".join(_tex(name.replace("\n", " ")) for name in headings[1:])
    body = [" & ".join(_tex(cell) for cell in _cells(row, board)) + r" \\" for row in board.rows]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            "% " + caption(board),
            r"\begin{tabular}{ll" + "r" * (len(headings) - FIRST_NUMBER) + "}",
            r"\toprule",
            header + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _tex(cell: str) -> str:
    """LaTeX for a cell: its special characters escaped, signs and dashes in its own notation."""
    for plain, escaped in (
        ("\\", r"\textbackslash "),
        *((c, "\\" + c) for c in "&%$#_{}"),
        ("−", "$-$"),
        ("×", r"$\times$"),
        ("–", "--"),
        ("<", "$<$"),
    ):
        cell = cell.replace(plain, escaped)
    return cell


def _parquet(board: Leaderboard) -> bytes:
    from audition.report.export import as_parquet, columns

    return as_parquet(columns([row.facts() for row in board.rows]))


FORMATS: Mapping[str, Callable[[Leaderboard], str | bytes]] = {
    ".csv": _csv,
    ".md": _markdown,
    ".parquet": _parquet,
    ".tex": _latex,
}

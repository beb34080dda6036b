"""What a bench measured, printed in the terminal."""

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from audition.bench.estimate import Cell
from audition.bench.survey import Findings
from audition.console import console, table
from audition.text import UNDEFINED, count, roughly

MARK = "*"
"""At what is configured, or best."""


def show_findings(found: Findings) -> None:
    """The two tables, with a mark at what is configured and at what is best, and what follows."""
    out, t = console(), found.baseline
    where = ", ".join([found.machine["processor"], *dict.fromkeys(found.machine["gpus"])])
    out.print(
        f"[bold]{escape(where)}[/], {count(found.machine['cores'], 'core')}, torch "
        f"{found.machine['torch']}; a model of {t.parameters:,} parameters, "
        f"{t.units_per_step:,} {found.unit} a step, on {found.device}"
    )
    _table(out, f"one run alone, {found.unit}/s ({MARK} as configured)", _alone(found))
    how = f"{count(found.threads, 'thread')} each, {found.precision}"
    _table(out, f"several at once, {how} ({MARK} best)", _together(found))
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    for name, text in _lines(found):
        rows.add_row(name, escape(text))
    out.print()
    out.print(rows)
    notes = [*found.advice, *found.notes]
    if found.disturbed:
        during = "; ".join(found.disturbed)
        notes.insert(0, f"Other work had this machine's cores ({during}): alone it is faster.")
    for note in notes:
        out.print(f"[yellow]note[/] {escape(note)}")


def _table(out: Console, title: str, shown: Table) -> None:
    out.print(f"\n{title}", style="dim")
    out.print(Padding(shown, (0, 0, 0, 2), expand=False))


def _alone(found: Findings) -> Table:
    rates = {(cell.precision, cell.threads): cell for cell in found.cells}
    threads = sorted({cell.threads for cell in found.cells})
    own = (found.precision, found.threads)
    rows = (
        (name, *(_rate(rates.get((name, n)), (name, n) == own) for n in threads))
        for name in sorted({cell.precision for cell in found.cells}, reverse=True)
    )
    return table(("threads", *(f">{number}  " for number in threads)), rows)


def _rate(cell: Cell | None, own: bool) -> str:
    if cell is None or cell.units_per_s is None:
        return UNDEFINED
    return _three(cell.units_per_s) + _mark(own)


def _mark(chosen: bool) -> str:
    """As wide either way, so that the numbers stay in line."""
    return f" {MARK}" if chosen else "  "


def _together(found: Findings) -> Table:
    points, best = found.points, found.best
    cards = any(point.runs_per_gpu > 1 for point in points)
    rows = (
        (
            f"{point.workers}{_mark(point == best)}",
            *((str(point.runs_per_gpu),) if cards else ()),
            _three(point.units_per_s),
            _three(point.units_per_s / point.workers),
        )
        for point in points
    )
    made = table((">workers", *((">a card",) if cards else ()), f">{found.unit}/s", ">each"), rows)
    for row, point in zip(made.rows, points, strict=True):
        row.style = "bold" if point == best else ""
    return made


def _lines(found: Findings) -> list[tuple[str, str]]:
    t, best, cost = found.baseline, found.best, found.cost
    card = f" ({best.runs_per_gpu} a card)" if found.device == "cuda" else ""
    done = found.planned - cost.runs
    lines = [
        (
            "best pool",
            f"{count(best.workers, 'worker')}{card}: "
            + ("not kept, as other work disturbed it" if found.disturbed else _kept(found)),
        ),
        (
            "evaluation",
            f"{t.held_out_units:,} held-out {found.unit} in {roughly(t.evaluation_s)}, "
            f"{_three(t.held_out_units_per_s or 0.0)} {found.unit}/s",
        ),
        *((("auto", found.settled),) if found.settled else ()),
        ("memory", f"{t.memory_mb:,.0f} MB a worker" + _on_card(t.card_mb)),
        ("start", f"{roughly(t.start_s)} a run, and {roughly(found.warm_s)} once"),
        (
            "this sweep",
            f"{count(found.planned, 'run')}: {done} in the ledger, {cost.runs} to train"
            + (f", {count(cost.steps, 'step')} in all" if cost.runs else ""),
        ),
    ]
    if cost.runs:
        workers = count(min(best.workers, cost.runs), "worker")
        lines.append(
            (
                "will take",
                f"about {roughly(cost.wall_s)} with {workers}, "
                f"{cost.worker_s / 3600:.2g} worker-hours",
            )
        )
    if len(cost.run_s) > 1:
        arms = "; ".join(f"{name} {roughly(seconds)}" for name, seconds in cost.run_s.items())
        lines.append(("a run", arms))
    return lines


def _kept(found: Findings) -> str:
    return (
        f"from now on the default here for runs of {count(found.threads, 'thread')} on "
        f"{found.device}"
    )


def _on_card(megabytes: float) -> str:
    return f", {megabytes:,.0f} MB of its card" if megabytes else ""


def _three(rate: float) -> str:
    """To three digits: a speed is never known better."""
    return f"{float(f'{rate:.3g}'):,.0f}" if rate >= 100 else f"{rate:.3g}"

"""Two ideas and their combination in the terminal."""

from rich.markup import escape
from rich.table import Table

from audition.answers.interactions import Crossing
from audition.console import console
from audition.text import count, gain, gain_interval, probability


def show_crossing(crossing: Crossing) -> None:
    """The gains apart and together, the contrast, and what it means."""
    out, found, how = console(), crossing.found, crossing.baseline.measure
    seeds = ", ".join(map(str, found.seeds))
    out.print(
        f"[bold]{escape(crossing.first.name)} × {escape(crossing.second.name)}[/]  [dim]baseline "
        f"{crossing.baseline.config_hash[:8]}, {escape(how.label)}, "
        f"{count(len(found.seeds), 'shared seed')} ({seeds})[/]"
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right")
    table.add_column()
    for name, gained in (
        (crossing.first.name, found.first),
        (crossing.second.name, found.second),
        (crossing.both.name, found.both),
    ):
        table.add_row(escape(name), gain(gained, how), f"{how.unit} gained".strip())
    table.add_row(
        "interaction",
        gain(found.contrast, how),
        escape(
            f"{found.level:.0%} CI {gain_interval(found.ci, how)}, p two-sided {probability(found.p)} "
            f"({'the block' if found.design == 'block' else 'its own spread'}, "
            f"{found.df:.0f} degrees of freedom)"
        ),
    )
    out.print(table)
    out.print(crossing.sentence)

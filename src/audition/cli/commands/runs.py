"""`audition runs`: every run in the ledger."""

from argparse import Namespace

from audition.cli.command import JSON, LEDGER, command, emit
from audition.cli.opening import open_ledger


@command("every run in the ledger", LEDGER, JSON)
def runs(options: Namespace) -> None:
    """`audition runs`"""
    from audition.console import say
    from audition.report.runs import show_runs

    _, contents = open_ledger(options)
    if not contents.records:
        say(f"no run is filed in {options.output_dir}")
    found = [record.to_dict() for record in contents.records]
    emit(options, found, lambda: show_runs(contents.records))

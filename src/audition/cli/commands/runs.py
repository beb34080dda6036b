"""`audition runs`: every run in the ledger."""

import sys
from argparse import Namespace

from audition.cli.command import JSON, LEDGER, command, emit
from audition.records.store import Ledger


@command("every run in the ledger", LEDGER, JSON)
def runs(options: Namespace) -> None:
    """`audition runs`"""
    from audition.report.runs import show_problems, show_runs

    contents = Ledger.found(options.output_dir).read()
    show_problems(contents)
    if not contents.records:
        print(f"audition: no run is filed in {options.output_dir}", file=sys.stderr)
    found = [record.to_dict() for record in contents.records]
    emit(options, found, lambda: show_runs(contents.records))

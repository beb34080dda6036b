"""`audition runs`: every run in the ledger."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from audition.records.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser("runs", parents=[common], help="every run in the ledger")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition runs`"""
    from audition.report.runs import show_problems, show_runs

    contents = Ledger.found(options.output_dir).read()
    show_problems(contents)
    if options.json:
        print(json.dumps([record.to_dict() for record in contents.records], indent=1))
    elif contents.records:
        show_runs(contents.records)
    else:
        print(f"audition: no run is filed in {options.output_dir}", file=sys.stderr)

"""`audition runs`: every run in the ledger."""

import argparse
import json
from typing import TYPE_CHECKING

from audition.ledger.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser("runs", parents=[common], help="every run in the ledger")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition runs`"""
    from audition.report.runs import show_problems, show_runs

    contents = Ledger(options.output_dir).read()
    show_problems(contents)
    if options.json:
        print(json.dumps([record.to_dict() for record in contents.records], indent=1))
    else:
        show_runs(contents.records)

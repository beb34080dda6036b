"""`audition report`: verdicts, figures and provenance on one page, and how to reproduce each row."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from audition.cli.options import add_question
from audition.errors import AuditionError
from audition.records.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "report", parents=[common], help="verdicts and figures on one page, and as files"
    )
    command.add_argument("ideas", nargs="*", metavar="IDEA", help="arms; all of them by default")
    command.add_argument(
        "--to", metavar="FOLDER", type=Path, help="where it goes (report/ beside the runs)"
    )
    add_question(command)
    command.set_defaults(command=write)


def write(options: argparse.Namespace) -> None:
    """`audition report`"""
    from audition.report.page import write_report
    from audition.report.runs import show_problems
    from audition.sweep.search.account.look import accounts

    ledger = Ledger.found(options.output_dir)
    show_problems(ledger.read())
    folder = options.output_dir / "report" if options.to is None else options.to
    try:
        written = write_report(
            ledger,
            folder,
            options.ideas,
            metric=options.metric,
            sesoi=options.sesoi,
            alpha=options.alpha,
            studies=accounts(ledger),
        )
    except ValueError as error:
        raise AuditionError(str(error)) from None
    if options.json:
        figures = [str(path) for path in written.figures]
        paths = {"page": str(written.page), "markdown": str(written.markdown), "figures": figures}
        print(json.dumps(paths, indent=1))
    else:
        print(f"{written.page} (and {written.markdown.name}, {len(written.figures)} figure files)")

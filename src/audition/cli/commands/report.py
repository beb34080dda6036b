"""`audition report`: verdicts, figures and provenance on one page, and how to reproduce each row."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import (
    ALPHA,
    ARMS,
    JSON,
    LEDGER,
    METRIC,
    SESOI,
    SIDES,
    command,
    emit,
    option,
)
from audition.cli.opening import open_ledger


@command(
    "verdicts and figures on one page, and as files",
    ARMS,
    option("--to", metavar="FOLDER", type=Path, help="where it goes (report/ beside the runs)"),
    *(METRIC, SESOI, ALPHA, SIDES, LEDGER, JSON),
)
def report(options: Namespace) -> None:
    """`audition report`"""
    from audition.report.page import write_report
    from audition.sweep.search.account.look import accounts

    ledger, contents = open_ledger(options)
    written = write_report(
        ledger,
        options.output_dir / "report" if options.to is None else options.to,
        options.arms,
        metric=options.metric,
        sesoi=options.sesoi,
        alpha=options.alpha,
        sides=options.sides,
        studies=accounts(ledger),
        contents=contents,
    )
    paths = {
        "page": str(written.page),
        "markdown": str(written.markdown),
        "figures": [str(path) for path in written.figures],
    }
    beside = f"{written.markdown.name}, {len(written.figures)} figure files"
    emit(options, paths, lambda: print(f"{written.page} (and {beside})"))

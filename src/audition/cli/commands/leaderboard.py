"""`audition leaderboard`: all ideas of a baseline side by side."""

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
        "leaderboard", parents=[common], help="all ideas of a baseline side by side"
    )
    command.add_argument("--baseline", metavar="HASH", help="beginning of its hash; the newest one")
    command.add_argument("--sort", metavar="KEY", default="improvement", help="order (improvement)")
    command.add_argument(
        "--top", metavar="N", type=int, default=30, help="rows shown; 0 is all (30)"
    )
    add_question(command)
    command.add_argument(
        "--export", metavar="FILE", type=Path, help="write all rows: .csv, .md, .tex or .parquet"
    )
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition leaderboard`"""
    from audition.answers.baselines import baseline_in, rivals_of
    from audition.answers.leaderboard import leaderboard
    from audition.records.registration import registrations
    from audition.report.leaderboard_table import export, show_leaderboard
    from audition.report.runs import show_problems

    if options.top < 0:
        raise AuditionError(f"--top {options.top} is no number of rows: 0 shows all of them")
    ledger = Ledger.found(options.output_dir)
    contents = ledger.read()
    show_problems(contents)
    arms, baseline = baseline_in(
        contents.records, options.baseline, options.metric, registrations(ledger.root)
    )
    try:
        board = leaderboard(
            ledger, arms, baseline, sort=options.sort, sesoi=options.sesoi, alpha=options.alpha
        )
    except ValueError as error:
        raise AuditionError(str(error)) from None
    if options.export is not None:
        export(board, options.export)
    if options.json:
        print(json.dumps(board.to_dict(), indent=1))
    else:
        show_leaderboard(board, top=options.top)
        others = [a for a in arms.values() if rivals_of(arms, a) and a is not baseline]
        if options.baseline is None and others:
            listed = ", ".join(a.config_hash[:8] for a in others)
            print(f"Other baselines with ideas, by --baseline: {listed}.")

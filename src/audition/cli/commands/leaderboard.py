"""`audition leaderboard`: all ideas of a baseline side by side."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import (
    ALPHA,
    BASELINE,
    FROM_ZERO,
    JSON,
    LEDGER,
    METRIC,
    SESOI,
    SIDES,
    command,
    emit,
    option,
)
from audition.cli.opening import open_baseline


@command(
    "all ideas of a baseline side by side",
    BASELINE,
    option("--sort", metavar="KEY", default="improvement", help="order (improvement)"),
    option("--top", metavar="N", type=FROM_ZERO, default=30, help="rows shown; 0 is all (30)"),
    *(METRIC, SESOI, ALPHA, SIDES),
    option(
        "--export", metavar="FILE", type=Path, help="write all rows: .csv, .md, .tex or .parquet"
    ),
    *(LEDGER, JSON),
)
def leaderboard(options: Namespace) -> None:
    """`audition leaderboard`"""
    from audition.answers import leaderboard as boards
    from audition.answers.baselines import rivals_of
    from audition.console import say
    from audition.report.leaderboard_table import export, show_leaderboard

    ledger, arms, baseline = open_baseline(options)
    board = boards.leaderboard(
        ledger,
        arms,
        baseline,
        sort=options.sort,
        sesoi=options.sesoi,
        alpha=options.alpha,
        sides=options.sides,
    )
    if options.export is not None:
        export(board, options.export)
        say(f"written to {options.export}")

    def show() -> None:
        show_leaderboard(board, top=options.top)
        others = [a for a in arms.values() if rivals_of(arms, a) and a is not baseline]
        if options.baseline is None and others:
            listed = ", ".join(a.config_hash[:8] for a in others)
            print(f"Other baselines with ideas, by --baseline: {listed}.")

    emit(options, board.to_dict(), show)

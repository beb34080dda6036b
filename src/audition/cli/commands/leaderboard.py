"""`audition leaderboard`: all ideas of a baseline side by side."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import ALPHA, BASELINE, JSON, LEDGER, METRIC, SESOI, command, emit, option
from audition.errors import AuditionError
from audition.records.store import Ledger


@command(
    "all ideas of a baseline side by side",
    BASELINE,
    option("--sort", metavar="KEY", default="improvement", help="order (improvement)"),
    option("--top", metavar="N", type=int, default=30, help="rows shown; 0 is all (30)"),
    *(METRIC, SESOI, ALPHA),
    option(
        "--export", metavar="FILE", type=Path, help="write all rows: .csv, .md, .tex or .parquet"
    ),
    *(LEDGER, JSON),
)
def leaderboard(options: Namespace) -> None:
    """`audition leaderboard`"""
    from audition.answers import leaderboard as boards
    from audition.answers.baselines import baseline_in, rivals_of
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
    board = boards.leaderboard(
        ledger, arms, baseline, sort=options.sort, sesoi=options.sesoi, alpha=options.alpha
    )
    if options.export is not None:
        export(board, options.export)

    def show() -> None:
        show_leaderboard(board, top=options.top)
        others = [a for a in arms.values() if rivals_of(arms, a) and a is not baseline]
        if options.baseline is None and others:
            listed = ", ".join(a.config_hash[:8] for a in others)
            print(f"Other baselines with ideas, by --baseline: {listed}.")

    emit(options, board.to_dict(), show)

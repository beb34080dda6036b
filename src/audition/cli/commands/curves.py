"""`audition curves`: how a metric went in any arms or runs, in the terminal or as a figure."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import JSON, LEDGER, command, emit, option
from audition.cli.opening import open_ledger


@command(
    "learning curves of arms or runs, in the terminal or as a figure",
    option("runs", nargs="*", metavar="ARM|RUN", help="arms, or runs as ARM/SEED; all arms"),
    option("--metric", metavar="NAME", help="any that runs wrote (the task's own); train_loss"),
    option("--out", type=Path, metavar="FILE", help="write a figure: .png or .svg"),
    *(LEDGER, JSON),
)
def curves(options: Namespace) -> None:
    """`audition curves`"""
    from audition.answers.arm_curves import arm_curves
    from audition.console import say
    from audition.report.curves import show_curves, write_curves

    found = arm_curves(open_ledger(options)[0], options.runs, options.metric)
    if not found:
        say("no run has written a line of metrics yet")
    if options.out is not None:
        write_curves(found, options.out)
        say(f"drawn in {options.out}")
    emit(options, found, lambda: show_curves(found))

"""Options that several commands share."""

import argparse


def add_question(command: argparse.ArgumentParser, *, sesoi: bool = True) -> None:
    """What runs are judged by: the metric, and the error and the gain that count."""
    command.add_argument(
        "--metric", metavar="NAME", help="any metric of the records (the plan's, or the task's own)"
    )
    if sesoi:
        command.add_argument(
            "--sesoi", type=float, help="smallest gain that counts, in the metric's unit"
        )
    command.add_argument("--alpha", type=float, default=0.05, help="one-sided error (0.05)")

"""`audition confirm`: an arm and its baseline on fresh seeds, announced before they run."""

import shlex
import sys
from argparse import Namespace

from audition.cli.command import COUNT, LEDGER, command, option
from audition.cli.opening import open_ledger


@command(
    "train an arm and its baseline on fresh seeds, which alone judge it",
    option("arm", metavar="ARM", help="an arm that the ledger has a verdict on"),
    option("--seeds", type=COUNT, metavar="N", help="how many (what would settle it, at least 5)"),
    option("--print", action="store_true", help="print the command, and train nothing"),
    LEDGER,
)
def confirm(options: Namespace) -> None:
    """`audition confirm`: types the command that it prints; typed again, it goes on from there.

    Raises AuditionError where the ledger has no verdict on the arm, or its records no overrides.
    """
    from audition.answers import judge_arms
    from audition.answers.next_step import confirmation
    from audition.cli.train import main as train
    from audition.command_line import train_door
    from audition.console import say
    from audition.records.registration import registrations

    ledger, contents = open_ledger(options)
    plans = registrations(ledger.root)
    (judgement,) = judge_arms(contents.records, [options.arm], plans=plans)
    line = confirmation(judgement, ledger.root, options.seeds)
    if options.print:
        return print(line)
    say(line)
    sys.argv = ["audition train", *shlex.split(line)[len(train_door()) :]]
    return train()

"""`audition noise`: what a pair of same-seed runs is worth, in each precision."""

from argparse import Namespace

from audition.cli.command import (
    ALPHA,
    CHANCE,
    JSON,
    LEDGER,
    METRIC,
    POSITIVE,
    SIDES,
    command,
    emit,
    option,
)
from audition.cli.opening import open_ledger


@command(
    "seed noise, same-seed correlation and seconds to a verdict of every arm, in each precision",
    option("--gain", type=POSITIVE, metavar="X", help="true gain to be shown (one seed sd)"),
    option("--power", type=CHANCE, default=0.8, metavar="P", help="chance to show it (0.8)"),
    option(
        "--keep",
        action="store_true",
        help="let precision=auto go by it on this machine, for runs like these",
    ),
    *(METRIC, ALPHA, SIDES, LEDGER, JSON),
)
def noise(options: Namespace) -> None:
    """`audition noise`

    Raises AuditionError where no arm shares seeds with its baseline, or nothing can be kept.
    """
    from audition.answers import arms_of
    from audition.answers.pairing import pair_table
    from audition.report.pairing import show_pairs

    ledger, contents = open_ledger(options)
    arms = arms_of(contents.records, options.metric)
    found = pair_table(
        ledger,
        arms,
        gain=options.gain,
        power=options.power,
        alpha=options.alpha or 0.05,
        sides=options.sides or "two",
    )
    emit(options, found.to_dict(), lambda: show_pairs(found))
    if options.keep:
        from audition.console import say
        from audition.sweep.pairing import keep_pairing

        say(f"precision=auto goes by it from now on: {keep_pairing(ledger, found, arms)}")

"""`audition power`: how many seeds for a gain of X."""

from argparse import Namespace

from audition.cli.command import (
    ALPHA,
    BASELINE,
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
from audition.cli.opening import open_baseline


@command(
    "how many seeds for a gain of X, and what they cost",
    option(
        "--gain", type=POSITIVE, required=True, metavar="X", help="true gain, in the metric's unit"
    ),
    option("--power", type=CHANCE, default=0.8, metavar="P", help="chance to see it (0.8)"),
    *(METRIC, ALPHA, SIDES, BASELINE, LEDGER, JSON),
)
def power(options: Namespace) -> None:
    """`audition power`"""
    from audition.answers.power import power_for
    from audition.records.registration import registrations
    from audition.report.questions import show_power

    ledger, arms, baseline = open_baseline(options)
    asked = {
        "gain": options.gain,
        "power": options.power,
        "alpha": options.alpha or 0.05,
        "sides": options.sides or "two",
    }
    found = power_for(arms, baseline, plans=registrations(ledger.root), **asked)
    emit(options, found.to_dict(), lambda: show_power(found))

"""`audition calibrate`: how often the decision rules find a gain where there is none."""

from argparse import Namespace

from audition.cli.command import (
    ALPHA,
    BASELINE,
    COUNT,
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
    "false positives of the rules on this ledger's noise",
    option(
        "--simulations", metavar="N", type=COUNT, default=20_000, help="null ideas drawn (20000)"
    ),
    option("--seed", type=FROM_ZERO, default=0, metavar="N", help="of the simulations (0)"),
    *(METRIC, SESOI, ALPHA, SIDES, BASELINE, LEDGER, JSON),
)
def calibrate(options: Namespace) -> None:
    """`audition calibrate`"""
    from audition.answers import calibration
    from audition.report.questions import show_calibration

    _, arms, baseline = open_baseline(options)
    found = calibration.calibrate(
        arms,
        baseline,
        simulations=options.simulations,
        seed=options.seed,
        sesoi=options.sesoi,
        alpha=options.alpha,
        sides=options.sides or "two",
    )
    emit(options, found.to_dict(), lambda: show_calibration(found))

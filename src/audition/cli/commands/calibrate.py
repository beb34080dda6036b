"""`audition calibrate`: how often the decision rules find a gain where there is none."""

import sys
from argparse import Namespace
from pathlib import Path

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

OWN = "calibration"
"""The folder in a ledger that placebos are filed in: in the ledger itself they would count as tried."""


@command(
    "false positives of the rules, on this ledger's noise or on placebos trained for it",
    option(
        "overrides", nargs="*", metavar="OVERRIDE", help="with --runs, of the recipe: model=tiny"
    ),
    option(
        "--runs", type=COUNT, metavar="N", help="train N comparisons of a placebo with its baseline"
    ),
    option(
        "--simulations", metavar="N", type=COUNT, default=20_000, help="null ideas drawn (20000)"
    ),
    option("--seed", type=FROM_ZERO, default=0, metavar="N", help="of the simulations (0)"),
    *(METRIC, SESOI, ALPHA, SIDES, BASELINE, LEDGER, JSON),
)
def calibrate(options: Namespace) -> None:
    """`audition calibrate`; with `--runs` it trains placebos first, or goes on with them.

    Raises AuditionError for overrides without `--runs`, and SystemExit where runs have failed.
    """
    from audition.answers.placebos import layout_of
    from audition.errors import AuditionError

    own = options.output_dir / OWN
    if options.runs is not None:
        train(options, own)
        return placebos(options, own)
    if options.overrides:
        raise AuditionError(
            f"'{options.overrides[0]}' is part of a recipe to train placebos on: add --runs N"
        )
    if (options.output_dir / "placebos").is_dir():
        return placebos(options, options.output_dir)
    simulated(options)
    if not options.json and layout_of(own, options.baseline):
        print(f"Placebos were trained for it, too: audition calibrate --output-dir {own}")
    return None


def simulated(options: Namespace) -> None:
    """The rules on simulated ideas with the ledger's noise, on its own seeds, and on its placebos."""
    from audition.answers import calibration
    from audition.report.questions import show_calibration

    _, arms, baseline = open_baseline(options)
    found = calibration.calibrate(
        arms,
        baseline,
        simulations=options.simulations,
        seed=options.seed,
        sesoi=options.sesoi,
        alpha=options.alpha or 0.05,
        sides=options.sides or "two",
    )
    emit(options, found.to_dict(), lambda: show_calibration(found))


def train(options: Namespace, own: Path) -> None:
    """Train what is missing of the placebos, as a sweep into a ledger of its own."""
    from audition.cli.train import main
    from audition.command_line import in_quotes, output_dir, train_command, train_door
    from audition.console import say

    words = [
        "hydra/sweeper=calibrate",
        f"hydra.sweeper.runs={options.runs}",
        *options.overrides,
        output_dir(str(own)),
        *(
            []
            if any(word.startswith("paths.cache_dir=") for word in options.overrides)
            else [f"paths.cache_dir={in_quotes(str(options.output_dir / 'cache'), chr(39))}"]
        ),
        "-m",
    ]
    say(train_command(*words))
    sys.argv = [" ".join(train_door()), *words]
    main()


def placebos(options: Namespace, root: Path) -> None:
    """The rules on the placebos of the ledger at `root`."""
    from audition.answers import arms_of
    from audition.answers.placebos import layout_of, placebo_rates
    from audition.console import say
    from audition.errors import AuditionError
    from audition.records.store import Ledger
    from audition.report.placebos import show_placebos

    layout = layout_of(root, options.baseline)
    if layout is None:
        raise AuditionError(f"{root} has no campaigns of placebos: audition calibrate --runs N")
    found = placebo_rates(
        arms_of(Ledger.found(root).read().records, options.metric),
        layout,
        sesoi=options.sesoi,
        alpha=options.alpha or 0.05,
        sides=options.sides or "two",
        look=lambda rule: say(f"trying {rule}."),
    )
    emit(options, found.to_dict(), lambda: show_placebos(found))

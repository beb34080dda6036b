"""`audition calibrate`: how often the decision rules call nothing something."""

import argparse
import json
from typing import TYPE_CHECKING

from audition.cli.options import add_question
from audition.errors import AuditionError
from audition.records.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "calibrate", parents=[common], help="false positives of the rules on this ledger's noise"
    )
    command.add_argument(
        "--simulations", metavar="N", type=int, default=20_000, help="null ideas drawn (20000)"
    )
    command.add_argument("--seed", type=int, default=0, help="of the simulations (0)")
    add_question(command)
    command.add_argument("--baseline", metavar="HASH", help="beginning of its hash; the newest one")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition calibrate`"""
    from audition.answers.baselines import baseline_in
    from audition.answers.calibration import calibrate
    from audition.records.registration import registrations
    from audition.report.questions import show_calibration
    from audition.report.runs import show_problems

    if options.simulations < 1 or options.seed < 0:
        raise AuditionError(
            f"--simulations {options.simulations} --seed {options.seed}: choose at least one "
            "simulation and a seed from 0 up"
        )
    ledger = Ledger.found(options.output_dir)
    contents = ledger.read()
    show_problems(contents)
    arms, baseline = baseline_in(
        contents.records, options.baseline, options.metric, registrations(ledger.root)
    )
    try:
        found = calibrate(
            arms,
            baseline,
            simulations=options.simulations,
            seed=options.seed,
            sesoi=options.sesoi,
            alpha=options.alpha,
        )
    except ValueError as error:
        raise AuditionError(str(error)) from None
    if options.json:
        print(json.dumps(found.to_dict(), indent=1))
    else:
        show_calibration(found)

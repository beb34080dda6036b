"""`audition collect`: the verdict of a sweep once its runs are over."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

EVERY_S = 10.0


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "collect", parents=[common], help="the verdict of a sweep, once its runs are over"
    )
    command.add_argument("plan", nargs="?", help="beginning of a plan's digest; the latest plan")
    command.add_argument("--wait", action="store_true", help="until they are")
    command.set_defaults(command=collect)


def collect(options: argparse.Namespace) -> None:
    """`audition collect`; exit code 1 where runs are under way or have failed."""
    from audition.answers.campaign import is_over
    from audition.cli.commands.verdict import tell
    from audition.records.record import BASELINE
    from audition.report.progress import show_campaign
    from audition.sweep.cluster.campaigns import find

    found = find(options.output_dir, options.plan)
    while options.wait and not is_over(found.states):
        time.sleep(EVERY_S)
        found = find(options.output_dir, found.plan.digest())
    open_or_failed = [s for s in found.states if s.word not in ("finished", "diverged")]
    if is_over(found.states) and found.plan.screening:
        show_campaign(found.plan, found.states)
        print(
            "audition: these runs choose among settings; typed again, its command "
            f"({found.plan.command}) goes on to the verdict",
            file=sys.stderr,
        )
    elif is_over(found.states):
        tell(
            options.output_dir,
            [arm.name for arm in found.plan.arms],
            metric=found.plan.metric,
            sesoi=found.plan.sesoi,
            alpha=found.plan.alpha,
            as_json=options.json,
        )
        for state in open_or_failed:
            print(
                f"audition: {state.arm} seed {state.seed} failed: {state.detail}", file=sys.stderr
            )
    else:
        show_campaign(found.plan, found.states)
        print("audition: not all runs are over; --wait waits for them", file=sys.stderr)
    baseline = [state for state in found.states if state.arm == BASELINE]
    nothing = bool(baseline) and all(state.word == "diverged" for state in baseline)
    if nothing:
        print(
            "audition: the baseline diverged, so there is nothing to compare with", file=sys.stderr
        )
    if open_or_failed or nothing:
        sys.exit(1)

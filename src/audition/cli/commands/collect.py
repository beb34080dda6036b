"""`audition collect`: the verdict of a sweep once its runs are over."""

import sys
import time
from argparse import Namespace

from audition.cli.command import JSON, LEDGER, PLAN, command, option

EVERY_S = 10.0


@command(
    "the verdict of a sweep, once its runs are over",
    *(PLAN, option("--wait", action="store_true", help="until they are"), LEDGER, JSON),
)
def collect(options: Namespace) -> None:
    """`audition collect`; exit code 1 where runs are under way or have failed."""
    from audition.answers.campaign import DROPPED, is_over
    from audition.cli.commands.verdict import tell
    from audition.console import say
    from audition.records.record import BASELINE
    from audition.report.progress import show_campaign
    from audition.sweep.cluster.campaigns import find

    found = find(options.output_dir, options.plan)
    while options.wait and not is_over(found.states):
        time.sleep(EVERY_S)
        found = find(options.output_dir, found.plan.digest())
    open_or_failed = [s for s in found.states if s.word not in ("finished", "diverged", DROPPED)]
    if is_over(found.states) and found.plan.screening:
        show_campaign(found.plan, found.states)
        say(
            "these runs choose among settings; typed again, its command "
            f"({found.plan.command}) goes on to the verdict"
        )
    elif is_over(found.states):
        tell(options, (), named=found.plan.digest())
        for state in open_or_failed:
            say(f"{state.arm} seed {state.seed} failed: {state.detail}")
    else:
        show_campaign(found.plan, found.states)
        say("not all runs are over; --wait waits for them")
    baseline = [state for state in found.states if state.arm == BASELINE]
    nothing = bool(baseline) and all(state.word == "diverged" for state in baseline)
    if nothing:
        say("the baseline diverged, so there is nothing to compare with")
    if open_or_failed or nothing:
        sys.exit(1)

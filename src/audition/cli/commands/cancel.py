"""`audition cancel`: end the jobs of a sweep that was submitted to a cluster."""

import argparse
from typing import TYPE_CHECKING

from audition.errors import AuditionError

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "cancel", parents=[common], help="end the jobs of a submitted sweep"
    )
    command.add_argument("plan", nargs="?", help="beginning of a plan's digest; the latest plan")
    command.set_defaults(command=cancel)


def cancel(options: argparse.Namespace) -> None:
    """`audition cancel`; what has finished stays, and the same sweep goes on from checkpoints."""
    from audition.answers.campaign import is_over
    from audition.report.progress import show_campaign
    from audition.sweep.cluster import queue
    from audition.sweep.cluster.campaigns import find

    found = find(options.output_dir, options.plan)
    arrays = [array for each in found.submissions for array in each.arrays()]
    if not arrays:
        raise AuditionError(
            f"plan {found.plan.digest()} was not submitted to a cluster: press Ctrl-C where it runs"
        )
    if not is_over(found.states):
        queue.require_slurm()
        queue.cancel(arrays)
        found = find(options.output_dir, found.plan.digest())
    show_campaign(found.plan, found.states)

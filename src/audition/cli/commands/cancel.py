"""`audition cancel`: end the jobs of a sweep that was submitted to a cluster."""

from argparse import Namespace

from audition.cli.command import LEDGER, PLAN, command
from audition.errors import AuditionError


@command("end the jobs of a submitted sweep", PLAN, LEDGER)
def cancel(options: Namespace) -> None:
    """`audition cancel`; finished runs stay, and the same sweep goes on from checkpoints."""
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

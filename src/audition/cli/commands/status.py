"""`audition status`: where the runs of a sweep stand, from any shell that sees the folder."""

from argparse import Namespace

from audition.cli.command import JSON, LEDGER, PLAN, command, emit


@command("where the runs of a sweep stand", PLAN, LEDGER, JSON)
def status(options: Namespace) -> None:
    """`audition status`"""
    from audition.report.progress import show_campaign
    from audition.report.runs import show_problems
    from audition.sweep.cluster.campaigns import find

    found = find(options.output_dir, options.plan)
    show_problems(found.contents)
    runs = [state.to_dict() for state in found.states]
    emit(
        options,
        {"plan": found.plan.digest(), "runs": runs},
        lambda: show_campaign(found.plan, found.states),
    )

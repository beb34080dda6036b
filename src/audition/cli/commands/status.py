"""`audition status`: where the runs of a sweep stand, from any shell that sees the folder."""

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "status", parents=[common], help="where the runs of a sweep stand"
    )
    command.add_argument("plan", nargs="?", help="beginning of a plan's digest; the latest plan")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition status`"""
    from audition.report.progress import show_campaign
    from audition.sweep.cluster.campaigns import find

    found = find(options.output_dir, options.plan)
    if options.json:
        runs = [state.to_dict() for state in found.states]
        print(json.dumps({"plan": found.plan.digest(), "runs": runs}, indent=1))
    else:
        show_campaign(found.plan, found.states)

"""`audition card`: what an idea claims, why it may fail, and what would prove it wrong."""

import argparse
import json
from typing import TYPE_CHECKING

from audition.config.card import check_card
from audition.errors import AuditionError, choices

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser("card", parents=[common], help="an idea's card")
    command.add_argument("idea", metavar="IDEA")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition card`"""
    from audition.config.members import members

    known = {member.name: member for member in members("idea")}
    if options.idea not in known:
        raise AuditionError(f"unknown idea '{options.idea}'{choices(options.idea, known)}")
    card = check_card(options.idea, known[options.idea].plain.get("cards", {}).get(options.idea))
    print(json.dumps(vars(card), indent=1) if options.json else card.markdown())

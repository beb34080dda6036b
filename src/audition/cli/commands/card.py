"""`audition card`: what an idea claims, why it may fail, and what would prove it wrong."""

from argparse import Namespace

from audition.cli.command import JSON, command, emit, option
from audition.config.card import check_card
from audition.errors import AuditionError, choices


@command("an idea's card", option("idea", metavar="IDEA"), JSON)
def card(options: Namespace) -> None:
    """`audition card`"""
    from audition.config.members import members

    known = {member.name: member for member in members("idea")}
    if options.idea not in known:
        raise AuditionError(f"unknown idea '{options.idea}'{choices(options.idea, known)}")
    found = check_card(options.idea, known[options.idea].plain.get("cards", {}).get(options.idea))
    emit(options, vars(found), lambda: print(found.markdown()))

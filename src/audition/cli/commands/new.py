"""`audition new`: a member of a group as two new files, its code and its yaml."""

import shlex
import sys
from argparse import Namespace
from pathlib import Path

from audition.cli.command import command, option


@command(
    "a new idea, optimizer, effect, … as two files that ask to be filled in",
    option("kind", metavar="KIND", help="its group: idea, optimizer, norm, effect, …"),
    option("name", metavar="NAME", help="what one will type: optimizer=NAME"),
    option("--package", help="of your own, instead of this checkout's"),
    option("--into", type=Path, metavar="FOLDER", help="where that package lies"),
    option(
        "--card",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of an idea's card, as often as needed; in a terminal the rest is asked for",
    ),
)
def new(options: Namespace) -> None:
    """`audition new`"""
    from audition.command_line import train_command
    from audition.console import say
    from audition.errors import AuditionError
    from audition.shelf.card import ask_for_card, parse_card
    from audition.shelf.new import Place, draft, write

    place = Place.of(options.package, options.into)
    made = draft(options.kind, options.name, place)
    card = parse_card(options.card)
    if made.kind.name == "idea":
        if sys.stdin.isatty():
            card = ask_for_card(_ask, card)
    elif card:
        raise AuditionError(f"an idea has a card, and a {made.kind.name} has none")
    code, yaml = write(made, card)
    for path in (code, yaml):
        print(path)
    base = made.kind.base.rpartition(".")[2]
    begins = f"begins as {base}" if base else "does nothing yet"
    say(
        f"it {begins}, and says <tell: ...> where words are wanted: tests/laws fail until it does "
        "something of its own and says what"
    )
    conf = shlex.quote(str(place.conf.resolve()))
    tail = f" --config-dir {conf} 'allowed_targets=[audition.,{place.package}.]'"
    found = f"PYTHONPATH={shlex.quote(str(place.code.resolve()))} " if place.package else ""
    first = "" if made.kind.name != "idea" or _whole(made.name, yaml) else f"fill in {yaml}, then "
    tried = f"{found}{train_command(*made.words)}{tail if place.package else ''}"
    say(f"{first}try it with {tried}")


def _whole(idea: str, yaml: Path) -> bool:
    """Whether its card has a pitch, without which it is not run."""
    from omegaconf import OmegaConf

    from audition.config.card import check_card
    from audition.errors import AuditionError

    try:
        check_card(idea, OmegaConf.to_container(OmegaConf.load(yaml).cards[idea]))
    except AuditionError:
        return False
    return True


def _ask(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        return ""
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # nothing has been written yet

"""The command `audition`: reads the ledger, with every command in `commands/`; none imports torch."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules

from audition.cli import commands
from audition.cli.command import Command, Parser
from audition.cli.output_dir import as_overrides, ledger_root, split_output_dir
from audition.cli.overview import overview
from audition.cli.streams import degrade, flushed
from audition.errors import AuditionError, choices
from audition.reasons import SAID, cut

TRAIN = "train"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one `audition` command; a mistake ends in one sentence and exit code 2."""
    degrade()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if split_output_dir(words)[1][:1] == [TRAIN]:
        return train(words)
    try:
        with flushed():
            carry_out(words)
    except AuditionError as error:
        print(f"audition: {cut(str(error), SAID)}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"audition: {cut(f'{where}{error.strerror or error}', SAID)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    return None


def carry_out(words: Sequence[str]) -> None:
    """Do what the words after `audition` ask for. Raises AuditionError where that cannot be done."""
    options = read(words)
    options.command(options)


def read(words: Sequence[str]) -> Namespace:
    """The options that the words name, with the command and the root of the ledger among them.

    Raises AuditionError for a command or an option that there is not.
    """
    folder, rest = split_output_dir(words)
    options, more = parser(rest).parse_known_args(rest)
    if more and "overrides" in options and not any(word.startswith("-") for word in more):
        options.overrides += more  # options may stand between them, which argparse cannot read
    elif more:
        named = [name for each in options.command.options for name in each.names if name[0] == "-"]
        who = options.command.name if options.command is not overview else ""
        raise AuditionError(
            f"`audition {who}".rstrip() + f"` has no '{more[0]}'{choices(more[0], named)}"
        )
    options.json = getattr(options, "json", False)  # it may stand before the command
    options.output_dir = ledger_root(folder) if options.command.reads_ledger else folder
    return options


def parser(words: Sequence[str] = ()) -> Parser:
    """The commands, each from its own file; of a line that names one, that one alone."""
    top = Parser(prog="audition", description="Read the ledger: runs, verdicts, reports.")
    overview.fill(top)
    subcommands = top.add_subparsers(metavar="COMMAND")
    first = next((word for word in words if not word.startswith("-")), None)
    names = command_names()
    for command in map(command_named, [first] if first in names else names):
        command.fill(subcommands.add_parser(command.name, help=command.help))
    subcommands.add_parser(TRAIN, help="the same as python -m src.train", add_help=False)
    return top


def all_commands() -> Iterator[Command]:
    """The commands of `commands/`; a file has one, which bears its name."""
    return map(command_named, command_names())


def command_names() -> list[str]:
    """The names of the files in `commands/`."""
    return [module.name for module in iter_modules(commands.__path__)]


def command_named(name: str) -> Command:
    """The command of that name; each takes a while to import."""
    found: Command = getattr(import_module(f"{commands.__name__}.{name}"), name)
    return found


def train(words: Sequence[str]) -> None:
    """`audition train`, through Hydra, which reads `sys.argv` itself."""
    from audition.cli.sentences import one_sentence
    from audition.cli.train import main as train

    with one_sentence():
        overrides = as_overrides(words)
    overrides.remove(TRAIN)
    sys.argv = [f"{sys.argv[0]} {TRAIN}", *overrides]
    train()

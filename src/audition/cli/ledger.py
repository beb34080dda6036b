"""The reading door, `audition`: every command in `commands/`, none of which imports torch."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from audition.cli import commands
from audition.cli.streams import degrade
from audition.errors import AuditionError
from audition.reasons import SAID, cut


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one `audition` command; a mistake ends in one sentence and exit code 2."""
    degrade()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["train"]:
        # Hydra reads sys.argv itself, and takes everything after the word for overrides.
        sys.argv = [f"{sys.argv[0]} train", *words[1:]]
        from audition.cli.train import main as train

        return train()
    for word in words:
        if word.startswith("paths.output_dir=") and words[0] != "bench":
            print(
                f"audition: {word} is for training: type --output-dir {word.partition('=')[2]}",
                file=sys.stderr,
            )
            sys.exit(2)
    options, more = parser().parse_known_args(words)
    if more and "overrides" in options and not any(word.startswith("-") for word in more):
        options.overrides += more  # flags may stand between them, which argparse cannot read
    elif more:
        parser().parse_args(words)  # says which one it does not know
    try:
        options.command(options)
    except AuditionError as error:
        print(f"audition: {cut(str(error), SAID)}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()  # `audition runs | head` is no error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"audition: {cut(f'{where}{error.strerror or error}', SAID)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    return None


def parser() -> argparse.ArgumentParser:
    """The commands, each from its own file, and the options they share."""
    top = argparse.ArgumentParser(
        prog="audition", description="Read the ledger: runs, verdicts, reports."
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--output-dir", default="outputs", type=Path, help="root of the ledger")
    common.add_argument("--json", action="store_true", help="as data")
    subcommands = top.add_subparsers(required=True, metavar="COMMAND")
    for module in iter_modules(commands.__path__, f"{commands.__name__}."):
        import_module(module.name).add(subcommands, common)
    subcommands.add_parser("train", help="the same as python -m src.train", add_help=False)
    return top

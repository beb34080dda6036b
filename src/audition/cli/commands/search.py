"""`audition search`: what a search has tried, under way or over, and its figures."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from audition.errors import AuditionError
from audition.records.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "search", parents=[common], help="the searches of the ledger, or one with its figures"
    )
    command.add_argument("study", nargs="?", metavar="NAME", help="a study; none lists them all")
    command.add_argument(
        "--to", metavar="FOLDER", type=Path, help="where figures go (report/ beside the runs)"
    )
    command.add_argument("--storage", metavar="URL", help="a database instead of the journals")
    command.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """`audition search`"""
    from audition.answers.searches import summary
    from audition.report.search_table import show_searches
    from audition.sweep.search.account.look import accounts

    there = Ledger.found if options.storage is None else Ledger
    ledger = there(options.output_dir)
    if options.study is not None:
        return show_one(options, ledger)
    found = accounts(ledger, options.storage)
    if options.json:
        print(json.dumps([summary(account) for account in found], indent=1))
    elif found:
        show_searches(found)
    else:
        where = options.output_dir if options.storage is None else "that storage"
        print(f"no search in {where}: python -m src.train hparams_search=adamw_optuna -m makes one")
    return None


def show_one(options: argparse.Namespace, ledger: Ledger) -> None:
    """`audition search NAME`"""
    from audition.report.gallery import draw_search
    from audition.report.search_table import show_search
    from audition.sweep.search.account.look import account_named

    account = account_named(ledger, options.study, options.storage)
    if not options.json:
        show_search(account)
    folder = options.output_dir / "report" if options.to is None else options.to
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AuditionError(f"cannot write {folder}: {error.strerror or error}") from error
    names = [picture.name for picture in draw_search(folder, account)]
    files = [str(folder / f"{name}.{kind}") for name in names for kind in ("png", "svg")]
    if options.json:
        print(json.dumps({**account.to_dict(), "figures": files}, indent=1, allow_nan=False))
    else:
        print(f"{folder / names[0]}.png (and {len(files) - 1} figure files more)")

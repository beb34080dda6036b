"""`audition search`: what a search has tried, under way or over, and its figures."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import JSON, LEDGER, command, emit, option
from audition.cli.opening import open_ledger
from audition.command_line import in_ledger, train_command
from audition.errors import writing
from audition.records.store import Ledger


@command(
    "the searches of the ledger, or one with its figures",
    option("study", nargs="?", metavar="NAME", help="a study; none lists them all"),
    option("--to", metavar="FOLDER", type=Path, help="of the figures (report/ beside the runs)"),
    option("--storage", metavar="URL", help="a database instead of the journals"),
    *(LEDGER, JSON),
)
def search(options: Namespace) -> None:
    """`audition search`"""
    from audition.answers.searches import summary
    from audition.report.questions import show_searches
    from audition.sweep.search.account.look import accounts

    here = options.storage is None
    ledger = open_ledger(options)[0] if here else Ledger(options.output_dir)
    if options.study is not None:
        return show_one(options, ledger)
    found = accounts(ledger, options.storage)
    where = options.output_dir if options.storage is None else "that storage"
    stored = [f"hydra.sweeper.storage='{options.storage}'"] if options.storage else []
    words = ("hparams_search=adamw_optuna", *stored, *in_ledger(options.output_dir), "-m")
    none = f"no search in {where}: {train_command(*words)} makes one"
    emit(
        options,
        [summary(account) for account in found],
        lambda: show_searches(found) if found else print(none),
    )
    return None


def show_one(options: Namespace, ledger: Ledger) -> None:
    """`audition search NAME`"""
    from audition.report.gallery import draw_search
    from audition.report.questions import show_search
    from audition.sweep.search.account.look import account_named

    account = account_named(ledger, options.study, options.storage)
    if not options.json:
        show_search(account)
    folder = options.output_dir / "report" if options.to is None else options.to
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    names = [picture.name for picture in draw_search(folder, account)]
    files = [str(folder / f"{name}.{kind}") for name in names for kind in ("png", "svg")]
    said = f"{folder / names[0]}.png (and {len(files) - 1} figure files more)"
    emit(options, {**account.to_dict(), "figures": files}, lambda: print(said))

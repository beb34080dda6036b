"""`audition lab`: how far the experiments are, how good their evidence is, and what to run next."""

from argparse import Namespace

from audition.cli.command import JSON, LEDGER, command, emit, option
from audition.cli.opening import open_ledger
from audition.errors import AuditionError
from audition.records.store import is_ledger


@command(
    "progress by experiment, ratings with reasons, what to run next",
    option("--why", action="store_true", help="the reason of every point of a rating"),
    *(LEDGER, JSON),
)
def lab(options: Namespace) -> None:
    """`audition lab`; it makes `lab.sqlite` in the ledger anew."""
    from pathlib import Path

    from audition.answers.claims import HOME, claim_in
    from audition.answers.lab.outlook import lab_of
    from audition.command_line import OUTPUTS
    from audition.console import say
    from audition.records.registration import registrations
    from audition.records.store import Contents, Ledger
    from audition.report.lab import show_lab
    from audition.report.tracker import FILE, write_tracker
    from audition.stats.comparison import json_ready

    root: Path = options.output_dir
    if root == Path(OUTPUTS) and not is_ledger(root):
        ledger, contents = Ledger(root), Contents((), ())
    else:
        ledger, contents = open_ledger(options)
    plans = registrations(ledger.root)
    claims = [claim_in(path) for path in sorted(HOME.glob("*.yaml"))]
    found = lab_of(ledger, contents, plans, claims)
    if is_ledger(root):
        try:
            write_tracker(ledger.root / FILE, contents.records, plans, found)
        except AuditionError as error:
            say(f"{error}: the answer below needs it not")
    emit(options, json_ready(found.to_dict()), lambda: show_lab(found, reasons=options.why))

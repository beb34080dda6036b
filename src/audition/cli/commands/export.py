"""`audition export`: a finished ledger in a tracker, or as tables."""

import sys
from argparse import Namespace
from pathlib import Path

from audition.cli.command import ARMS, JSON, LEDGER, command, emit, option
from audition.cli.opening import open_ledger
from audition.errors import AuditionError, choices


@command(
    "finished runs in a tracker (W&B, TensorBoard, MLflow), or as tables",
    ARMS,
    option("--to", required=True, metavar="WHERE", help="a choice of logger, csv or parquet"),
    option("--folder", type=Path, help="of the tables (export/ beside the runs)"),
    *(LEDGER, JSON),
)
def export(options: Namespace) -> None:
    """`audition export`; exit code 1 where a run could not be shown."""
    from audition.console import say
    from audition.report.export import TABLES, chosen, replay, trackers, write_tables
    from audition.text import count

    places = (*trackers(), *TABLES)
    if options.to not in places:
        raise AuditionError(f"cannot export to '{options.to}'{choices(options.to, places)}")
    ledger, contents = open_ledger(options)
    records = chosen(contents, options.arms)
    said: list[str] = []
    if options.to in TABLES:
        folder = options.folder or options.output_dir / "export"
        paths = write_tables(ledger, records, folder, options.to)
        look = ", ".join(map(str, paths))
    else:
        shown = list(replay(ledger, records, options.to, said.append))
        paths, look = [folder for folder, _ in shown], shown[-1][1]
    for sentence in dict.fromkeys(said):
        say(sentence)
    emit(
        options,
        {"runs": len(records), "paths": [str(path) for path in paths], "look": look},
        lambda: print(f"{count(len(records), 'run')} exported to {options.to}: {look}"),
    )
    if any("misses this run" in sentence or "was left" in sentence for sentence in said):
        sys.exit(1)

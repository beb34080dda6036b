"""`audition export`: a finished ledger in a tracker, or as parquet files."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from audition.errors import AuditionError
from audition.records.store import Ledger

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(subcommands: "Subcommands", common: argparse.ArgumentParser) -> None:
    """Add the command and its options."""
    command = subcommands.add_parser(
        "export",
        parents=[common],
        help="finished runs in a tracker (W&B, TensorBoard, MLflow), or as parquet",
    )
    command.add_argument("arms", nargs="*", metavar="ARM", help="arms; all of them by default")
    command.add_argument(
        "--to", required=True, metavar="WHERE", help="a choice of logger, or parquet"
    )
    command.add_argument(
        "--folder", type=Path, help="of the parquet files (export/ beside the runs)"
    )
    command.set_defaults(command=write)


def write(options: argparse.Namespace) -> None:
    """`audition export`; exit code 1 where a run could not be shown."""
    from audition.errors import choices
    from audition.report.export import PARQUET, chosen, replay, trackers, write_parquet
    from audition.report.runs import show_problems
    from audition.text import count

    places = (*trackers(), PARQUET)
    if options.to not in places:
        raise AuditionError(f"cannot export to '{options.to}'{choices(options.to, places)}")
    ledger = Ledger.found(options.output_dir)
    contents = ledger.read()
    show_problems(contents)
    records = chosen(contents, options.arms)
    said: list[str] = []
    if options.to == PARQUET:
        folder = options.folder or options.output_dir / "export"
        paths = list(write_parquet(ledger, records, folder))
    else:
        paths = list(replay(ledger, records, options.to, said.append))
    for sentence in dict.fromkeys(said):
        print(f"audition: {sentence}", file=sys.stderr)
    if options.json:
        print(json.dumps({"runs": len(records), "paths": [str(path) for path in paths]}, indent=1))
    else:
        where = f" ({', '.join(map(str, paths))})" if options.to == PARQUET else ""
        print(f"{count(len(records), 'run')} exported to {options.to}{where}")
    if any("misses this run" in sentence or "was left" in sentence for sentence in said):
        sys.exit(1)

"""Print one table of timings and ratios: `python -m scripts.bench`, and `... main` for the main job,
`... waiting` for what a search makes of its workers."""

import argparse
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from audition.provenance import provenance
from scripts.bench import (
    apoptosis,
    bounds,
    commands,
    ledger,
    main_job,
    planning,
    step,
    trackers,
    trees,
    units,
    waiting,
    worker,
)
from scripts.bench.pairs import Row


def everything(folder: Path, runs: int, each_s: float) -> Iterator[Row]:
    """All rows but the main job's and a search's."""
    yield from step.rows(folder)
    yield from apoptosis.rows(folder)
    yield from trees.rows(folder)
    yield from units.rows(folder)
    yield from trackers.rows(folder)
    yield from planning.rows()
    yield from bounds.rows()
    yield from commands.overhead(folder)
    yield from worker.rows(folder / "worker", runs=runs, each_s=each_s)
    yield from commands.startup(folder)
    yield from ledger.rows(folder)


def main() -> None:
    """Every row, in a ledger of its own that is thrown away."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "part",
        nargs="?",
        choices=("main", "worker", "waiting", "ledger"),
        help="by default all but main and waiting",
    )
    parser.add_argument("--tokens", type=int, default=1_000_000, help="of each run of the main job")
    parser.add_argument(
        "--runs", type=int, default=12, help="of the sweep whose workers are watched"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of training in each of them")
    parser.add_argument("--trials", type=int, default=60, help="of the search, of three runs each")
    arguments = parser.parse_args()
    facts = provenance()["hardware"]
    print(f"{facts['processor']}, {facts['cores']} cores, Python {platform.python_version()}\n")
    print("| what | ours | other | unit | ratio | bound |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweep = {"runs": arguments.runs, "each_s": arguments.seconds}
        if arguments.part == "main":
            rows: Iterator[Row] = iter(main_job.rows(folder, arguments.tokens))
        elif arguments.part == "waiting":
            each_s = arguments.seconds
            rows = iter(waiting.rows(folder, trials=arguments.trials, each_s=each_s))
        elif arguments.part == "worker":
            rows = iter(worker.rows(folder, **sweep))
        elif arguments.part == "ledger":
            rows = ledger.rows(folder)
        else:
            rows = everything(folder, **sweep)
        for row in rows:
            print(row, flush=True)


if __name__ == "__main__":
    main()

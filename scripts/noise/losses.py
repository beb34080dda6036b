"""The losses of measured runs as one table: a row for each run and each way of weighing its weights.

`python -m scripts.noise.losses DIR` writes `docs/results/data/{noise,averages}.csv` from the files of
`measure`.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

TABLE = Path(__file__).parents[2] / "docs/results/data/noise.csv"
AVERAGES = TABLE.with_name("averages.csv")
SCREENED = (42, 137)
PARTS = 8
"""Parts of the held-out windows, each of every eighth of them, so that all are spread alike."""


@dataclass(frozen=True)
class Run:
    """Which run of which condition, and the weights that were evaluated."""

    tokens: int
    precision: str
    lr: str
    arm: str
    seed: int
    weights: str


Losses = dict[Run, tuple[float, ...]]
"""[K] nats per token on each part of the held-out windows; their mean is the run's loss."""


def measured(folder: Path) -> Losses:
    """What `measure` has left in `folder`; the number of windows must be a multiple of PARTS."""
    found: Losses = {}
    for path in sorted(folder.glob("*.npz")):
        said = dict(word.split("=", 1) for word in path.stem.split())
        with np.load(path) as file:
            assert np.isclose(file["live"].mean(), file["recorded"], rtol=1e-6), path
            for weights in file.files:
                if file[weights].ndim and weights != "trained":
                    run = Run(
                        tokens=int(said.get("budget.tokens", "1000000")),
                        precision=said["precision"],
                        lr=said.get("optimizer.lr", "4e-3"),
                        arm=said.get("+idea", "baseline"),
                        seed=int(said["seed"]),
                        weights=weights,
                    )
                    parts = file[weights].reshape(-1, PARTS).mean(0)
                    found[run] = tuple(round(float(x), 5) for x in parts)
    return found


def write(losses: Losses, path: Path = TABLE) -> None:
    """One line a run and weights, sorted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow([*Run.__annotations__, *(f"part_{k}" for k in range(1, PARTS + 1))])
        for run in sorted(losses, key=lambda run: tuple(vars(run).values())):
            lines.writerow([*vars(run).values(), *losses[run]])


def read(path: Path = TABLE) -> Losses:
    """The table that `write` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return {
        Run(int(r[0]), r[1], r[2], r[3], int(r[4]), r[5]): tuple(map(float, r[6:])) for r in rows
    }


def write_averages(losses: Losses, path: Path = AVERAGES) -> None:
    """Live weights and averages at the default rate and budget, on the seeds that chose nothing."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["weights", "seed", "loss"])
        for run, parts in losses.items():
            kind = (run.tokens, run.precision, run.lr, run.arm)
            default = kind == (1_000_000, "bf16", "4e-3", "baseline")
            judged = run.seed not in SCREENED and run.weights in ("live", "ema 0.98", "tail 0.05")
            if default and judged:
                lines.writerow([run.weights, run.seed, round(fmean(parts), 5)])


if __name__ == "__main__":
    found = measured(Path(sys.argv[1]))
    write(found)
    write_averages(found)

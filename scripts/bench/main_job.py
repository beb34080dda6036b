"""The main job, from its command to its verdict, against six runs of the plain script in a row."""

import shutil
from pathlib import Path

from scripts.bench.commands import command
from scripts.bench.pairs import Row, seconds

IDEA = "spectral_gate"
RUNS = 6
"""Of the main job: the idea and its baseline on three seeds each."""


def rows(folder: Path, tokens: int) -> list[Row]:
    """Both rows, at `tokens` a run. One plain run is timed and counted six times.

    The text is tokenised beforehand for both sides; `folder` must hold no runs.
    """
    cache = folder / "cache"
    plain = ("-m", "scripts.bench.plain", "--seed", "42", "--cache-dir", str(cache), "--tokens")
    job = ("-m", "src.train", "-m", f"+idea={IDEA}", "seed=42,137,256", f"budget.tokens={tokens}")
    ledger = (f"paths.output_dir={folder}", f"paths.cache_dir={cache}")
    command(*plain, "768")  # one step: tokenises

    def verdict() -> None:
        command(*job, *ledger)

    fresh = seconds(verdict)
    six = RUNS * seconds(lambda: command(*plain, str(tokens)))
    shutil.rmtree(folder / "runs" / IDEA)
    paired = seconds(verdict)
    size = f"{tokens:,} tokens a run"
    against = f"{RUNS} plain runs in a row (one timed, ×{RUNS})"
    return [
        Row(f"main job, {size}, against {against}", "s", fresh, six, fresh / six, "≤ 0.40"),
        Row("the same, the baseline in the ledger", "s", paired, six, paired / six, "≤ 0.22"),
    ]

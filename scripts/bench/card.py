"""Milliseconds a step on a card, and the weights after twenty steps: `python -m scripts.bench.card`.

Run in the checkouts of two commits, one after the other and again, it says which is faster, and
whether both train the same weights: `python -m scripts.bench.card --seconds 3 model=nano`.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from audition.recipe.batches import Clock
from audition.session import begin
from audition.training.step import advance
from audition.training.worker import digest
from scripts.bench.step import job

CHUNK, OPEN = 10, 10**6
"""Steps that are timed together; steps of a budget that does not end."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("overrides", nargs="*", help="as on the command line, e.g. model=nano")
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("scripts.bench.card: this machine has no CUDA card")
    with tempfile.TemporaryDirectory() as folder:
        made = job(Path(folder), "execution.device=cuda", *arguments.overrides)
        made.execution.enter()
        session = begin(made.recipe, made.seed, "cuda")

        def run(steps: int) -> None:
            for _ in range(steps):
                advance(made, session, Clock(session.step, OPEN, session.step / OPEN))
            torch.cuda.synchronize()

        run(20)
        weights = digest(session.params)
        times, began = [], time.perf_counter()
        while time.perf_counter() - began < arguments.seconds:
            start = time.perf_counter()
            run(CHUNK)
            times.append((time.perf_counter() - start) / CHUNK)
    card, peak = torch.cuda.get_device_name(), torch.cuda.max_memory_allocated() / 1e6
    print(
        f"{' '.join(arguments.overrides) or 'defaults'}: {1e3 * statistics.median(times):.2f} ms a "
        f"step, peak {peak:.0f} MB, weights {weights} ({card}, torch {torch.__version__})"
    )


if __name__ == "__main__":
    main()

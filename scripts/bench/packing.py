"""What packing is worth here: CPU time of a step of one run, alone and in a pack, in turns.

    python -m scripts.bench.packing model=tiny precision=fp32 --runs 8 32

The ratio is the median over the rounds of pairs; below 1 the pack is faster.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from hydra import initialize_config_dir

from audition.config.root import check, conf_dir
from audition.recipe.batches import Clock
from audition.sweep.compose import Composer
from audition.training.build import build
from audition.training.job import Job
from audition.training.loop import opened
from audition.training.packing.session import advance_all, pack, packed_job
from audition.training.step import advance

ROUNDS = 5


def jobs_of(overrides: list[str], runs: int) -> list[Job]:
    """The jobs of seeds 1, 2, ... of one arm."""
    compose = Composer("audition", ())
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        each = ((*overrides, "execution.device=cpu", f"seed={n + 1}") for n in range(runs))
        return [build(check(compose(words))) for words in each]


def seconds(step: Callable[[], object], steps: int) -> float:
    """CPU time of a step [s]."""
    start = time.process_time()
    for _ in range(steps):
        step()
    return (time.process_time() - start) / steps


def measure(overrides: list[str], runs: int, steps: int) -> tuple[float, float, float]:
    """Seconds of a run's step alone and packed, and their ratio, medians of the rounds."""
    jobs = jobs_of(overrides, runs)
    alone = opened(jobs[0])
    packed = pack(jobs[0], [opened(job) for job in jobs])
    own = packed_job(jobs[0], [job.seed for job in jobs], print)
    rows = []
    for _ in range(ROUNDS):
        one = seconds(lambda: advance(jobs[0], alone, Clock(alone.step, 10**6)), 2 * steps)
        of_all = seconds(lambda: advance_all(own, packed, Clock(packed.step, 10**6)), steps)
        rows.append((one, of_all / runs, of_all / runs / one))
    first, second, ratio = (statistics.median(column) for column in zip(*rows, strict=True))
    return first, second, ratio


def main() -> None:
    """Print a line for each size of a pack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overrides", nargs="*", help="of the runs, as typed for src.train")
    parser.add_argument("--runs", type=int, nargs="+", default=[8], help="sizes of packs")
    parser.add_argument("--steps", type=int, default=5, help="steps of a pack in a round")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for runs in given.runs:
        alone, packed, ratio = measure(given.overrides, runs, given.steps)
        print(
            f"{' '.join(given.overrides)}: {1e3 * alone:.2f} ms alone, {1e3 * packed:.2f} ms in a "
            f"pack of {runs}, ratio {ratio:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

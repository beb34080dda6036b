"""What a look at held-out rows costs beside a training step, in processor seconds.

`python -m scripts.bench.looks [OVERRIDE …]` prints it for the default model, or for another recipe.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

from hydra import compose, initialize_config_dir

from audition.config.root import conf_dir
from audition.recipe.batches import Clock
from audition.session import begin
from audition.sweep.compose import settings_of
from audition.training.build import build
from audition.training.looks import Looks
from audition.training.step import advance

PAIRS, EACH = 20, 5


def spent(work: Callable[[], object]) -> float:
    """Processor seconds of EACH calls, over EACH."""
    begins = time.process_time()
    for _ in range(EACH):
        work()
    return (time.process_time() - begins) / EACH


def main() -> None:
    """Steps and looks in turn, each pair's own ratio, and the median of them with its quartiles."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"paths.output_dir={folder}", "execution.device=cpu", *sys.argv[1:]]
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            job = build(settings_of(compose("audition", words), words))
    session = begin(job.recipe, job.seed, "cpu")
    looks, clock = Looks(job), Clock(0, 2000, 0.5)

    def step() -> None:
        advance(job, session, Clock(session.step, 2000, 0.5))

    def look() -> None:
        looks._look(session, clock)

    step(), look()
    pairs = [(spent(look), spent(step)) for _ in range(PAIRS)]
    ratios = sorted(theirs / ours for theirs, ours in pairs)
    print(
        f"a look {1e3 * median(p[0] for p in pairs):.1f} ms, a step "
        f"{1e3 * median(p[1] for p in pairs):.1f} ms of processor time; ratio {median(ratios):.2f} "
        f"({ratios[PAIRS // 4]:.2f} to {ratios[3 * PAIRS // 4]:.2f}, {PAIRS} interleaved pairs)"
    )


if __name__ == "__main__":
    main()

"""What a trial costs beside its training, with 1,000 behind it: `python -m scripts.bench.asking`.

The desk of a search asks for trials of three seeds and tells what came of them; their runs are
planned beforehand and have known losses, so that nothing is left but asking, reporting and telling.
"""

import argparse
import math
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from hydra import initialize_config_dir
from omegaconf import OmegaConf

from audition.config.root import conf_dir
from audition.records.record import Record
from audition.sweep.arms import Arm, Question
from audition.sweep.compose import Composer
from audition.sweep.plan import PlannedRun, make_plan
from audition.sweep.pool import Job
from audition.sweep.search.make_trials import asked_for
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.space.space import Space
from audition.sweep.search.study.samplers import pruner_of, sampler_of
from audition.sweep.search.study.serving import serving
from audition.sweep.search.study.storage import open_storage, prepare_optuna
from audition.sweep.search.study.study import Study
from audition.sweep.search.trial_queue import TrialQueue

SPACE = "adamw_optuna"
SEEDS = (42, 137, 256)
MORE = 100
"""Trials that are timed."""


@dataclass(frozen=True)
class Planned:
    """Points whose runs are those of the default under another name."""

    space: Space
    seeds: tuple[int, ...]
    output_dir: Path
    default: tuple[PlannedRun, ...]
    start_hash: str = ""  # no point is the default, so that each may be given up

    def runs(self, typed: Sequence[str]) -> tuple[PlannedRun, ...]:
        """The runs of a point."""
        return tuple(replace(run, arm=Arm("point", tuple(typed))) for run in self.default)


class Served(TrialQueue):
    """A desk that knows every outcome beforehand."""

    def _find(self, run: PlannedRun) -> Record:
        point = dict(override.split("=", 1) for override in run.arm.overrides)
        away = math.log10(float(point["optimizer.lr"]) / 0.004)
        noise = random.Random(f"{run.seed} {sorted(point.items())}").gauss(0, 0.01)
        return replace(FINISHED[0], seed=run.seed, metrics={"val_loss": 2.0 + away**2 + noise})


FINISHED: list[Record] = []
"""A record whose loss is replaced."""


def planned(folder: Path, space: Any) -> tuple[Points, Planned]:
    """The points of that space around model=tiny, and the stand-in for them."""
    common = ("model=tiny", f"paths.output_dir={folder}")
    plan = make_plan(Question(common, (), SEEDS), Composer("audition"))
    points = Points.around(plan, (), SEEDS, Composer("audition")).searched(space)
    FINISHED[:] = [plan.runs[0].record.ended("finished")]
    return points, Planned(points.space, SEEDS, folder, plan.runs)


def trials(study: Study, points: Any) -> list[float]:
    """Seconds of each trial that the study lacks."""
    ends = [time.perf_counter()]
    desk = Served(
        study,
        points,
        ("val_loss",),
        inside=0,
        prunes=True,
        job_of=lambda run: Job.of(run.spec({})),
        say=lambda text: ends.append(time.perf_counter()),
    )
    assert desk.take() is None
    return [after - before for before, after in pairwise(ends)]


def main() -> None:
    """Fill a study at random, and print the median of the next hundred trials."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--pruner", default="auto")
    arguments = parser.parse_args()
    prepare_optuna()
    config: Any = OmegaConf.load(conf_dir() / "hparams_search" / f"{SPACE}.yaml")
    space = OmegaConf.to_container(config.hydra.sweeper.space)
    wanted = SearchSettings(space=space, sampler=arguments.sampler, pruner=arguments.pruner)
    pruner = wanted.pruner_for(len(SEEDS), 2)
    with (
        tempfile.TemporaryDirectory() as name,
        initialize_config_dir(str(conf_dir()), version_base="1.3"),
    ):
        folder = Path(name)
        points, stand_in = planned(folder, space)
        storage = open_storage(None, folder / "study.log")
        asked = asked_for(wanted, points)
        with serving(storage, folder / "servers", "x", asked, arguments.trials) as (study, _):
            study.study.sampler = sampler_of(replace(wanted, sampler="random"), 0)
            study.study.pruner = pruner_of("none", wanted.prune_p, len(SEEDS))
            trials(study, stand_in)
            study.study.sampler = sampler_of(wanted, 0)
            study.study.pruner = pruner_of(pruner, wanted.prune_p, len(SEEDS))
            times = trials(replace(study, limit=arguments.trials + MORE), stand_in)
        typed = [f"optimizer.lr=0.00{n}" for n in range(1, 10)]
        began = time.perf_counter()
        for override in typed:
            points.runs((override,))
        planning = (time.perf_counter() - began) / len(typed)
    what = f"{wanted.sampler}, pruner {pruner}, {arguments.trials:,} trials"
    print(f"{what}: ask and tell {1000 * median(times):.1f} ms a trial of {len(SEEDS)} seeds")
    print(f"planning its runs: {1000 * planning:.1f} ms more")


if __name__ == "__main__":
    main()

"""One process that serves a study: FOLDER CACHE TRIALS SECONDS [STORAGE]."""

import os
import sys
import time
from pathlib import Path

from hydra import initialize_config_dir

from audition.config.root import conf_dir
from audition.sweep.arms import Question
from audition.sweep.compose import Composer
from audition.sweep.executors import LocalExecutor
from audition.sweep.plan import make_plan
from audition.sweep.pool import PoolSettings, warm
from audition.sweep.search.make_trials import make_trials
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.study.storage import prepare_optuna

SPACE = {"optimizer.lr": {"low": 1e-4, "high": 0.4, "log": True}}


def meet(folder: Path) -> None:
    """Go on when as many processes have come here as are to serve together."""
    together = int(os.environ.get("TOGETHER", 1))
    (folder / f"{os.getpid()}.came").touch()
    while len(list(folder.glob("*.came"))) < together:
        time.sleep(0.01)


def main() -> None:
    folder, cache, trials, seconds, *storage = sys.argv[1:]
    prepare_optuna()
    common = (
        "model=tiny",
        "data.evaluation_tokens=512",
        f"paths.output_dir={folder}",
        f"paths.cache_dir={cache}",
        f"checkpoint.minutes={seconds}",
    )
    settings = PoolSettings(workers=2, preload=(), entry="search_entries:work")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"), warm(settings) as server:
        compose = Composer("audition")
        plan = make_plan(Question(common, (), (42, 137)), compose)
        points = Points.around(plan, (), (42, 137), compose).searched(SPACE)
        wanted = SearchSettings(
            space=SPACE, trials=int(trials), storage=storage[0] if storage else None
        )
        meet(Path(folder))
        make_trials(wanted, points, "shared", LocalExecutor(lambda runs: settings, server))


if __name__ == "__main__":
    main()

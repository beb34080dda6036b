"""Milliseconds of ask and tell with 1,000 trials behind them: `python -m scripts.bench.asking`."""

import argparse
import math
import tempfile
import time
from pathlib import Path
from statistics import median

from audition.sweep.search.samplers import pruner_of, sampler_of
from audition.sweep.search.space import overrides, read_space
from audition.sweep.search.storage import open_storage, prepare_optuna
from audition.sweep.search.study import Study, pick_from, serving
from audition.sweep.search.wanted import Wanted

SPACE = {
    "optimizer": {
        name: {
            "optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True},
            "optimizer.weight_decay": {"low": 0.0, "high": 0.5},
        }
        for name in ("adamw", "muon")
    }
}
SEEDS = 3


def one(study: Study, space: object) -> float:
    """Seconds that one trial of three seeds costs beside its training."""
    began = time.perf_counter()
    trial = study.ask()
    assert trial is not None
    typed = overrides(space, lambda part: pick_from(trial, part))  # type: ignore[arg-type]
    trial.set_user_attr("run", {"overrides": list(typed), "config_hash": "", "arm": ""})
    lr = next(float(o.partition("=")[2]) for o in typed if o.startswith("optimizer.lr"))
    for seed in range(SEEDS):
        trial.report(math.log10(lr / 0.01) ** 2 + 0.01 * seed, step=seed)
    study.study.tell(trial, math.log10(lr / 0.01) ** 2)
    return time.perf_counter() - began


def main() -> None:
    """Fill a study, and print the median of the last hundred trials."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--sampler", default="tpe")
    arguments = parser.parse_args()
    prepare_optuna()
    space = read_space(SPACE, lambda key, low, high: False)
    wanted = Wanted(space=SPACE, trials=arguments.trials + 100, sampler=arguments.sampler)
    asked = {"objectives": ["val_loss"]}
    with tempfile.TemporaryDirectory() as name:
        storage = open_storage(None, Path(name) / "study.log")
        with serving(storage, Path(name) / "servers", "x", asked, wanted.trials) as (study, _):
            wanted_random = Wanted(space=SPACE, sampler="random")
            study.study.sampler = sampler_of(wanted_random, 0)
            study.study.pruner = pruner_of("none", 0.3, SEEDS)
            for _ in range(arguments.trials):
                one(study, space)
            study.study.sampler = sampler_of(wanted, 0)
            times = [one(study, space) for _ in range(100)]
    print(f"{wanted.sampler}: {1000 * median(times):.1f} ms a trial at {arguments.trials} trials")


if __name__ == "__main__":
    main()

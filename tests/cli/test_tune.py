"""`tune=` from the command line: one key on any launcher, several by a study for each arm."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "trials"),
    [
        (("tune=optimizer.lr", "tuning.trials=3"), 3),
        pytest.param(
            ("tune=optimizer.lr", "tuning.trials=2", "hydra/launcher=basic"),
            2,
            marks=pytest.mark.slow,
        ),
        (("tune=optimizer.lr,training.clip", "tuning.trials=2"), 2),
    ],
)
def test_each_arm_is_tuned_and_judged_at_its_best(
    place: Any, words: tuple[str, ...], trials: int
) -> None:
    if "," in words[0]:
        pytest.importorskip("optuna", reason="the extra `search` is not installed")
    line = ("+idea=placebo", *words, "tuning.fresh_seeds=2", "seed=1,2", "-m")
    ended = place.train(*line)
    assert ended.returncode == 0, ended.stderr
    assert f"each at its best of {trials} trials in" in " ".join(ended.stdout.split())
    assert "each at its best, on fresh seeds" in ended.stderr
    records = place.records().values()
    assert Counter(record["seed"] in (1, 2) for record in records) == {True: 4 * trials, False: 4}
    (kept,) = [json.loads(path.read_text()) for path in (place.output / "tuned").glob("*.json")]
    assert [len(each["tries"]) for each in kept["contenders"]] == [trials, trials]
    again = place.train(*line)
    assert again.returncode == 0
    assert len(place.records()) == len(records)
    assert all(len(lines) == 1 for lines in place.trainings().values())


def test_a_file_may_say_what_is_tuned(place: Any, tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    (folder / "tuned.yaml").write_text("# @package _global_\ntune: optimizer.lr\n")
    own = ("--config-dir", str(folder.parent), "experiment=tuned", "+idea=placebo", "-m")
    told = place.train("hydra.sweeper.confirm=true", *own)
    assert "tune=, races and searches judge on fresh seeds of their own" in told.stderr
    counted = place.train("submit=detach", *own)
    assert "submit=detach leaves nobody to choose" in counted.stderr
    assert not place.records()

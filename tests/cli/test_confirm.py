"""`audition confirm`: fresh seeds, announced before they run, which alone judge an arm."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import TRAIN


def test_an_arm_is_confirmed_on_fresh_seeds_in_a_ledger_of_its_own(place: Any) -> None:
    trained = place.train("+idea=placebo", "seed=1,2", "-m")
    assert trained.returncode == 0, trained.stderr
    told = place.read("confirm", "placebo", "--seeds", "2", "--print")
    assert told.returncode == 0, told.stderr
    words = shlex.split(told.stdout)
    assert "+idea=placebo" in words
    assert "hydra.sweeper.confirm=true" in words
    (seeds,) = (word for word in words if word.startswith("seed="))
    assert len(seeds.split(",")) == 2
    assert not {"1", "2"} & {*seeds.removeprefix("seed=").split(",")}
    own = place.output.parent / "fresh"
    where = [f"paths.output_dir={own}" if w.startswith("paths.output_dir=") else w for w in words]
    line = [word for word in where if "=" in word or word == "-m"]
    ended = place.run([*TRAIN, *line])
    assert ended.returncode == 0, ended.stderr
    assert "confirmed on fresh seeds" in " ".join(ended.stdout.split())
    # The first look was inconclusive: the second is planned too, and spends half of its error.
    assert "analysis.alpha=0.025" in words
    (judged,) = json.loads(place.read("verdict", "--json", "--plan", "latest").stdout)
    assert (judged["alpha"], judged["verdict"]) == (0.05, "inconclusive")
    place.output = own
    for asked in ((), ("--plan", "placebo")):
        (judged,) = json.loads(place.read("verdict", "--json", *asked).stdout)
        assert (judged["standing"], judged["tier"]) == ("as planned", "confirmed")
        assert (judged["alpha"], judged["level"], judged["n"]) == (0.025, 0.975, 2)
    again = shlex.split(place.read("confirm", "placebo", "--seeds", "2", "--print").stdout)
    assert "analysis.alpha=0.0125" in again
    assert sum(word.startswith("analysis.alpha=") for word in again) == 1


@pytest.mark.parametrize("options", [("--seeds", "0"), ("--seeds", "x")])
def test_a_number_of_seeds_that_is_none(place: Any, options: tuple[str, ...]) -> None:
    ended = place.read("confirm", "placebo", *options)
    assert ended.returncode == 2
    assert options[1] in ended.stderr


def test_an_arm_that_is_not_there(place: Any, finished: Path) -> None:
    shutil.copytree(finished, place.output)
    ended = place.read("confirm", "plasebo")
    assert ended.returncode == 2
    assert "no runs of 'plasebo'; did you mean 'placebo'?" in ended.stderr
    assert json.loads(place.read("verdict", "--json").stdout)

"""The efficiency experiments: every arm of each file is a run that could begin."""

import shlex

import pytest
import yaml

from audition.config.root import conf_dir
from audition.sweep.arms import arm_name
from audition.sweep.check import check_deploy

SWEEPS = conf_dir().parent / "sweeps"
NAMES = (
    "batch_size",
    "distillation",
    "efficient_architectures",
    "gradient_checkpointing",
    "mixed_precision",
    "optimizer_efficiency",
    "pruning",
    "quantization",
)


def lines(name):
    """What all arms of a campaign share, and the words of each, the baseline first."""
    sweeper = yaml.safe_load((SWEEPS / f"{name}.yaml").read_text(encoding="utf-8"))["hydra"][
        "sweeper"
    ]
    params = dict(sweeper["params"])
    params.pop("seed")
    base = shlex.split(str(params.pop("baseline", "")).strip("'\""))
    common = [f"{key}={value}" for key, value in params.items()]
    return common, [base, *(shlex.split(line) for line in sweeper["arms"])]


@pytest.mark.parametrize("name", NAMES)
def test_every_arm_of_an_experiment_composes_and_is_one_of_its_own(name, settings_of):
    common, arms = lines(name)
    made = [settings_of(*common, *words, base=()) for words in arms]
    for settings in made:
        check_deploy(settings)
    assert len({str(settings) for settings in made}) == len(made)
    named = [arm_name(words) for words in arms[1:]]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("name", NAMES)
def test_what_an_experiment_claims_stands_in_it(name):
    assert "# Claim: " in (SWEEPS / f"{name}.yaml").read_text(encoding="utf-8")

"""The efficiency experiments: every arm of each file is a run that could begin."""

import shlex

import pytest
import yaml

from audition.config.claim import Claim, check_claim
from audition.config.root import conf_dir
from audition.sweep.arms import Arm, arm_name
from audition.sweep.check import check_deploy
from audition.sweep.claimed import freed, planned_claims

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
def test_what_an_experiment_claims_is_of_its_arms_and_has_a_control(name):
    _, (_, *arms) = lines(name)
    named = {arm_name(words): Arm(arm_name(words), tuple(words)) for words in arms}
    plain = yaml.safe_load((SWEEPS / f"{name}.yaml").read_text(encoding="utf-8"))["claim"]
    check_claim(Claim(**plain))
    settings = {"claim": plain}
    claims = planned_claims(settings, {each: each for each in named}, {})
    assert claims
    for claim in claims:
        # Of equal weights nothing smaller can be claimed.
        assert bool(claim.controls) is (name != "gradient_checkpointing")
        # A rung of another length is allowed by its claim, and no other arm is.
        may = freed(settings)
        for each, arm in named.items():
            longer = any(word.startswith("budget.") for word in arm.overrides)
            assert may(arm) or not longer
            assert not longer or any(c.frees_budget(each) for c in claims)

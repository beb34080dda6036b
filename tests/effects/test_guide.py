"""The effect that docs/effects.md writes out is tried, word for word."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from audition.observers.metrics import Metrics
from audition.recipe import tree
from audition.recipe.effect import Chain
from audition.recipe.mix import Mix
from audition.training.loop import train

GUIDE = (Path(__file__).parents[2] / "docs/effects.md").read_text(encoding="utf-8")


def block(language):
    found = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.S)
    return found[0]  # the page has others, of chains


@pytest.fixture(scope="module")
def steady():
    space = {"__name__": "guide"}
    exec(compile(block("python"), "docs/effects.md", "exec"), space)
    return space["Steady"]


def run(job, effects, observers=()):
    return train(replace(job, recipe=replace(job.recipe, effects=Chain(effects))), observers)


def test_its_neutral_setting_is_the_baseline_and_its_active_one_is_not(
    steady, job_of, weights_of, differences
):
    job = job_of()
    plain = run(job, {})
    for neutral in (steady(**steady.neutral), Mix(effect=steady(), wet=0.0)):
        same = run(job, {"steady": neutral})
        assert not differences(weights_of(same), weights_of(plain))
        assert same.final == plain.final
    active = run(job, {"steady": steady(**steady.active)})
    assert differences(weights_of(active), weights_of(plain))


def test_it_writes_its_meter_and_is_evaluated_half_a_step_on(steady, job_of, tmp_path, view):
    outcome = run(job_of(), {"steady": steady()}, [Metrics(tmp_path, every=1)])
    lines = [json.loads(text) for text in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    turns = [line["effects/steady/turn"] for line in lines if "train/loss" in line]
    assert turns[0] == 0.0
    assert all(0.0 < turn <= 1.0 for turn in turns[1:])
    session = outcome.session
    seen = steady().on_evaluation(session.params, session.effects["steady"], view({}))
    for name, p in session.params.items():
        assert torch.allclose(seen[name], p + 0.5 * session.effects["steady"]["last"][name])
    assert tree.norms(tree.subtract(seen, session.params)).min() > 0


def test_its_yaml_names_its_settings(steady):
    node = yaml.safe_load(block("yaml"))["steady"]
    assert node.pop("_target_").endswith(".Steady")
    assert steady(**node) == steady()

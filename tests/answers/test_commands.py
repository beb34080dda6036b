"""A run of a campaign is typed again without the campaign's other arms."""

import json
import math
import shlex
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from made_records import made

from audition.answers import Judgement, judge_arms
from audition.answers.commands import commands
from audition.answers.next_step import confirmation, next_step
from audition.records.record import Record
from audition.records.store import Ledger
from audition.stats.claim import Claimed
from audition.stats.saving import Estimate

ARMS = (("baseline",), ("placebo", "+idea=placebo"))


def record(arm: str, seed: int, *overrides: str) -> Record:
    return made(
        arm,
        seed,
        1.8 + 0.01 * seed - 0.001 * len(arm),
        overrides=("+sweeps=six_arms", *overrides, f"seed={seed}"),
        started="2026-01-01",
    )


def test_a_campaigns_run_is_typed_without_its_arms() -> None:
    runs = [record(*arm[:1], seed, *arm[1:]) for arm in ARMS for seed in (1, 2)]
    (judgement,) = judge_arms(runs)
    (line,) = commands(judgement, Path("outputs"))
    assert line == (
        "python -m src.train +sweeps=six_arms +idea=placebo hydra.sweeper.params=null "
        "hydra.sweeper.arms=null seed=1,2 paths.output_dir=reproduced -m"
    )


def test_an_arm_of_a_swept_setting_is_a_line_beside_its_baseline() -> None:
    made = [("baseline",), ("optimizer=muon,lr", "optimizer=muon", "optimizer.lr=1e-2")]
    runs = [record(*arm[:1], seed, "model=tiny", *arm[1:]) for arm in made for seed in (1, 2)]
    (judgement,) = judge_arms([*runs, record("baseline", 3, "model=tiny")])
    with_its_arm, without = commands(judgement, Path("outputs"))
    assert with_its_arm == (
        "python -m src.train +sweeps=six_arms model=tiny hydra.sweeper.params=null "
        """--arm 'optimizer=muon optimizer.lr=1e-2' """
        "seed=1,2 paths.output_dir=reproduced -m"
    )
    assert without == (
        "python -m src.train +sweeps=six_arms model=tiny hydra.sweeper.params=null "
        "hydra.sweeper.arms=null seed=3 paths.output_dir=reproduced -m"
    )


def test_a_baseline_with_settings_of_its_own_keeps_them() -> None:
    made = [("baseline", "optimizer.lr=8e-3"), ("optimizer=sgd", "optimizer=sgd")]
    runs = [record(*arm[:1], seed, *arm[1:]) for arm in made for seed in (1, 2)]
    (judgement,) = judge_arms(runs)
    (line,) = commands(judgement, Path("outputs"))
    assert """'baseline="optimizer.lr=8e-3"' --arm optimizer=sgd seed""" in line


def test_what_changes_no_number_sets_no_arm_apart() -> None:
    own = ("preset=mine", "preset=mine", "allowed_targets=[audition.,mylab.]")
    runs = [record(*arm[:1], seed, *arm[1:]) for arm in [("baseline",), own] for seed in (1, 2)]
    (judgement,) = judge_arms(runs)
    (line,) = commands(judgement, Path("outputs"))
    assert "'allowed_targets=[audition.,mylab.]' " in line
    assert "--arm preset=mine " in line


def test_the_cache_folder_is_named_again_and_sets_no_arm_apart() -> None:
    own = ("preset=mine", "preset=mine", "paths.cache_dir=/data/cache", "paths.output_dir=here")
    runs = [record(*arm[:1], seed, *arm[1:]) for arm in [("baseline",), own] for seed in (1, 2)]
    (judgement,) = judge_arms(runs)
    (line,) = commands(judgement, Path("outputs"))
    assert "paths.cache_dir=/data/cache " in line
    assert "here" not in line
    assert "--arm preset=mine " in line


def placed(losses: dict[str, dict[int, float]]) -> Judgement:
    """The verdict on `placebo`, of runs with those losses."""
    made = [
        replace(
            record(arm, seed, *overrides),
            metrics={"val_loss": loss} if loss == loss else {},
            status="finished" if loss == loss else "diverged",
        )
        for arm, *overrides in ARMS
        for seed, loss in losses[arm].items()
    ]
    (judgement,) = judge_arms(made)
    return judgement


LEVEL = {1: 1.50, 2: 1.53, 3: 1.48}
TRAIN = "python -m src.train +sweeps=six_arms +idea=placebo hydra.sweeper.params=null"


@pytest.mark.parametrize(
    ("baseline", "placebo", "verdict", "command"),
    [
        (LEVEL, {s: x - 0.1 - s / 1000 for s, x in LEVEL.items()}, "supported",
         f"{TRAIN} hydra.sweeper.arms=null seed=512,1024,2048,4096,8192 "
         "hydra.sweeper.confirm=true paths.output_dir=confirmed -m"),
        (LEVEL, {s: x + 0.1 + s / 1000 for s, x in LEVEL.items()}, "refuted", "audition report"),
        (LEVEL, {1: nan, 2: 1.5, 3: 1.5}, "refuted", "audition runs"),
        (LEVEL, {1: 1.51, 2: 1.50, 3: 1.49}, "inconclusive",
         f"{TRAIN} hydra.sweeper.arms=null seed=512,1024,2048,4096,8192,16384,"
         "32768,65536,131072,262144,4,5,6,7,8,9,10 hydra.sweeper.confirm=true analysis.alpha=0.025 "
         "paths.output_dir=confirmed -m"),
        ({1: 1.50}, {1: 1.49}, "inconclusive",
         f"{TRAIN} hydra.sweeper.arms=null seed=512,1024,2048,4096,8192 "
         "hydra.sweeper.confirm=true paths.output_dir=confirmed -m"),
        ({1: nan, 2: nan}, {1: 1.5, 2: 1.5}, "invalid", "audition runs"),
        (LEVEL, LEVEL, "invalid", f"{TRAIN} hydra.sweeper.arms=null --cfg job"),
    ],
)  # fmt: skip
def test_every_verdict_has_a_next_step(
    baseline: dict[int, float], placebo: dict[int, float], verdict: str, command: str
) -> None:
    judgement = placed({"baseline": baseline, "placebo": placebo})
    assert judgement.comparison.verdict == verdict
    step = next_step(judgement, Path("outputs"))
    assert (step.command, bool(step.text)) == (command, True)
    if "hydra.sweeper.confirm=true" in command:  # `audition confirm` types the same
        assert confirmation(judgement, Path("outputs")) == command


@pytest.mark.parametrize(
    ("gain", "factor", "of_family", "text", "command"),
    [
        (Estimate(0.0, 0.002, 2.0, 3), 3.5, None, "what is claimed of it holds", "audition report"),
        (Estimate(0.0, 0.002, 2.0, 3), 3.5, 0.04, "settle it on 5 fresh seeds",
         "claim.cost=[model_bytes]"),
        (Estimate(0.0, 0.002, 2.0, 3), 2.4, None, "what is claimed of it does not hold",
         "audition report"),
        (Estimate(-0.3, 0.002, 2.0, 3), 3.5, None, "it is cheaper and worse", "audition report"),
        (Estimate(0.0, 0.1, 2.0, 3), 3.5, None, "what is claimed of it takes about",
         "audition report"),
    ],
)  # fmt: skip
def test_the_next_step_of_an_arm_with_a_claim_is_about_the_claim(
    gain: Estimate, factor: float, of_family: float | None, text: str, command: str
) -> None:
    worse = placed({"baseline": LEVEL, "placebo": {s: x + 0.1 for s, x in LEVEL.items()}})
    assert worse.comparison.verdict == "refuted"
    less = Estimate(math.log(factor), 0.0, math.inf, 3)
    claim = Claimed("placebo", "model_bytes", 3.0, 0.02, gain, less, p_of_family=of_family)
    step = next_step(replace(worse, claims=(claim,)), Path("outputs"))
    assert text in step.text
    assert command in step.command
    if "fresh seeds" in step.text:  # `audition confirm` types the same
        assert confirmation(replace(worse, claims=(claim,)), Path("outputs")) == step.command


def test_a_next_step_names_a_ledger_that_lies_elsewhere() -> None:
    judgement = placed({"baseline": LEVEL, "placebo": {1: nan, 2: nan, 3: nan}})
    assert next_step(judgement, Path("my runs")).command == "audition runs --output-dir 'my runs'"


def test_arms_that_are_not_alike_are_trained_again() -> None:
    judgement = placed({"baseline": LEVEL, "placebo": LEVEL})
    other = replace(judgement, arm=replace(judgement.arm, records=tuple(
        replace(r, threads=9) for r in judgement.arm.records
    )))  # fmt: skip
    assert next_step(other, Path("outputs")).command == commands(other, Path("outputs"))[0]


def test_a_question_that_takes_many_seeds_is_sent_to_power() -> None:
    wide = {s: 1.5 + (-1) ** s * 0.1 for s in range(1, 7)}
    judgement = placed({"baseline": wide, "placebo": {s: 3.0 - x for s, x in wide.items()}})
    needed = replace(judgement, comparison=replace(judgement.comparison, seeds_needed=812))
    step = next_step(needed, Path("outputs"))
    assert "fresh seeds an arm" in step.text
    assert step.command.startswith("audition power --gain 0.")
    # A gain of just what counts is out of reach of any number of seeds.
    gained = float(step.command.split("--gain ")[1])
    assert gained == pytest.approx(2 * needed.comparison.sesoi, rel=0.01)


def test_what_fresh_seeds_left_open_goes_to_further_fresh_seeds() -> None:
    open_still = placed({"baseline": LEVEL, "placebo": {1: 1.51, 2: 1.50, 3: 1.49}})
    compared = replace(open_still.comparison, tier="confirmed")
    step = next_step(replace(open_still, comparison=compared), Path("confirmed"))
    assert "analysis.alpha=0.025 paths.output_dir=confirmed_2 -m" in step.command
    assert "hydra.sweeper.confirm=true" in step.command
    third = next_step(replace(open_still, comparison=compared), Path("confirmed_2"))
    assert "paths.output_dir=confirmed_3 -m" in third.command
    assert not {"1", "2", "3"} & set(step.command.split("seed=")[1].split(" ")[0].split(","))


def test_every_command_names_the_folder_of_configs_that_the_arm_was_typed_with(
    tmp_path: Path,
) -> None:
    judgement = placed({"baseline": {1: 1.5}, "placebo": {1: 1.4}})
    assert "--config-dir" not in "".join(commands(judgement, tmp_path))
    folder = Ledger(tmp_path).folder_of(judgement.arm.records[0])
    folder.mkdir(parents=True)
    typed = ["audition train", "--config-dir", "my conf", "preset=mine", "-m"]
    (folder / "repro.json").write_text(json.dumps({"command": typed}))
    step = next_step(judgement, tmp_path).command
    for line in (step, *commands(judgement, tmp_path)):
        words = shlex.split(line)
        assert words[words.index("--config-dir") + 1] == "my conf"

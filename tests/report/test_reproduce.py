"""A run of a campaign is typed again without the campaign's other arms."""

from audition.answers import judge_arms
from audition.records.record import Record
from audition.report.reproduce import commands

ARMS = (("baseline",), ("placebo", "+idea=placebo"))


def record(arm: str, seed: int, *overrides: str) -> Record:
    return Record(
        key=f"{arm}{seed}",
        config_hash=arm,
        baseline_hash="baseline",
        arm=arm,
        ideas=(),
        seed=seed,
        status="finished",
        metrics={"val_loss": 1.8 + 0.01 * seed - 0.001 * len(arm)},
        overrides=("+sweeps=six_arms", *overrides, f"seed={seed}"),
        started="2026-01-01",
    )


def test_a_campaigns_run_is_typed_without_its_arms() -> None:
    runs = [record(*arm[:1], seed, *arm[1:]) for arm in ARMS for seed in (1, 2)]
    (judgement,) = judge_arms(runs)
    (line,) = commands(judgement)
    assert line == (
        "python -m src.train +sweeps=six_arms +idea=placebo hydra.sweeper.params=null "
        "hydra.sweeper.arms=null seed=1,2 paths.output_dir=reproduced -m"
    )


def test_an_arm_of_a_swept_setting_is_a_line_beside_its_baseline() -> None:
    made = [("baseline",), ("optimizer=muon,lr", "optimizer=muon", "optimizer.lr=1e-2")]
    runs = [record(*arm[:1], seed, "model=tiny", *arm[1:]) for arm in made for seed in (1, 2)]
    (judgement,) = judge_arms([*runs, record("baseline", 3, "model=tiny")])
    with_its_arm, without = commands(judgement)
    assert with_its_arm == (
        "python -m src.train +sweeps=six_arms model=tiny hydra.sweeper.params=null "
        """'hydra.sweeper.arms=["optimizer=muon optimizer.lr=1e-2"]' """
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
    (line,) = commands(judgement)
    assert """'baseline="optimizer.lr=8e-3"' 'hydra.sweeper.arms=["optimizer=sgd"]' seed""" in line

"""From a command line to arms and seeds."""

from collections.abc import Callable

import pytest

from audition.config.root import names_in
from audition.errors import AuditionError
from audition.sweep.arms import Question, arm_name, as_an_arm, typed_as_arm, with_arms

Ask = Callable[[str], Question]

ARMS = [
    ("seed=1,2", []),
    ("+idea=placebo seed=1", ["placebo"]),
    ("+idea=placebo,spectral_gate", ["placebo", "spectral_gate"]),
    ("+idea=[placebo,spectral_gate]", ["placebo+spectral_gate"]),
    ("+idea=glob(*)", sorted(names_in("idea"))),
    ("+idea=glob(*,exclude=p*)", sorted(n for n in names_in("idea") if n[0] != "p")),
    ("optimizer=adamw,muon", ["optimizer=adamw", "optimizer=muon"]),
    ("optimizer=muon", []),
    (
        "+idea=placebo optimizer=adamw,muon",
        ["placebo,optimizer=adamw", "placebo,optimizer=muon"],
    ),
    (
        "+idea=placebo ideas.placebo.dose=sugar,salt",
        ["placebo,dose=sugar", "placebo,dose=salt"],
    ),
    ("+idea=placebo ideas.placebo.dose=salt", ["placebo,dose=salt"]),
    ("model.layers=range(2,5)", ["model.layers=2", "model.layers=3", "model.layers=4"]),
]


@pytest.mark.parametrize(("line", "names"), ARMS)
def test_ideas_and_swept_keys_make_arms(ask: Ask, line: str, names: list[str]) -> None:
    assert [arm.name for arm in ask(line).arms] == names


def test_what_is_not_swept_is_common_to_every_arm(ask: Ask) -> None:
    question = ask("budget.steps=5 +idea=placebo optimizer.lr=1e-3,2e-3 model=tiny seed=1,2")
    assert question.common == ("budget.steps=5", "model=tiny")
    assert [arm.overrides for arm in question.arms] == [
        ("budget.steps=5", "model=tiny", "+idea=placebo", f"optimizer.lr={lr}")
        for lr in ("0.001", "0.002")
    ]
    assert question.seeds == (1, 2)


@pytest.mark.parametrize(
    ("line", "seeds"),
    [
        ("+idea=placebo", None),
        ("seed=7", (7,)),
        ("seed=42,137,256", (42, 137, 256)),
        ("seed=range(1,4)", (1, 2, 3)),
        ("seed=0", (0,)),
    ],
)
def test_seeds(ask: Ask, line: str, seeds: tuple[int, ...] | None) -> None:
    assert ask(line).seeds == seeds


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seed=range(1,1000001)", r"seed=range\(1,1000001\) names more than 100,000 values"),
        (
            "optimizer.lr=range(1,501) model.width=range(1,501) seed=1,2",
            "250,000 arms on 2 seeds are 500,000 runs, and a sweep may have 100,000",
        ),
        ("seed=1,2,1", "seed=1 is given twice: each seed counts once"),
        ("seed=abc", "seed=abc is not a seed: it must be a whole number from 0 up"),
        ("seed=1,1.5", "seed=1.5 is not a seed"),
        ("seed=-1", "seed=-1 is not a seed"),
        ("seed=[1,2]", r"seed=\[1,2\] is not a seed"),
        ("seed=", "seed= is not a seed"),
        ("seed=interval(1,3)", "is a search over an interval, not a sweep"),
        ("optimizer.lr=interval(1e-4,1e-2)", "is a search over an interval, not a sweep"),
        ("seed=range(0)", r"seed=range\(0\) names no value at all, so nothing would run"),
        ("seed=range(3,3)", r"seed=range\(3,3\) names no value at all"),
        ("optimizer.lr=range(2,1)", r"optimizer.lr=range\(2,1\) names no value at all"),
        ("+idea=glob(zz*)", r"\+idea=glob\(zz\*\) names no value at all"),
        ("+idea=[placebo,placebo]", "names 'placebo' twice in one arm: once is enough"),
        ("+idea=placebo,[placebo,spectral_gate,placebo]", "names 'placebo' twice in one arm"),
    ],
)
def test_what_is_no_seed_and_no_sweep_is_told(ask: Ask, line: str, said: str) -> None:
    with pytest.raises(AuditionError, match=said):
        ask(line)


def test_names_are_fit_for_a_folder_and_stay_apart() -> None:
    odd = arm_name(["+idea=a", "ideas.a.path='x/y z'"])
    assert "/" not in odd
    assert " " not in odd
    long = [f"optimizer.lr={'1' * 200}{n}" for n in range(2)]
    names = {arm_name([override]) for override in long}
    assert len(names) == 2
    assert max(map(len, names)) <= 120


def test_lines_add_arms_that_are_no_combination(ask: Ask) -> None:
    question = with_arms(ask("model=tiny seed=1,2"), ["+idea=placebo norm=rmsnorm", "norm=rmsnorm"])
    assert [arm.name for arm in question.arms] == ["placebo,norm=rmsnorm", "norm=rmsnorm"]
    assert question.arms[0].overrides == ("model=tiny", "+idea=placebo", "norm=rmsnorm")
    assert question.common == ("model=tiny",)


def test_an_arm_has_no_seeds_of_its_own(ask: Ask) -> None:
    with pytest.raises(AuditionError, match="seed=3 in an arm"):
        with_arms(ask("seed=1,2"), ["+idea=placebo seed=3"])


def test_what_is_typed_beside_a_baseline_of_its_own_is_the_arm(ask: Ask) -> None:
    question = typed_as_arm(
        ask("model=tiny norm=rmsnorm optimizer.lr=8e-3 baseline='norm=layernorm'")
    )
    (arm,) = question.arms
    assert arm.name == "norm=rmsnorm,optimizer.lr=8e-3"
    assert arm.overrides == question.common


@pytest.mark.parametrize(
    "line",
    [
        "norm=rmsnorm",  # without a baseline of its own: it is common to every arm
        "norm=rmsnorm baseline=null",
        "model=tiny baseline='norm=layernorm'",  # nothing that people compare
        "+idea=placebo norm=rmsnorm baseline='norm=layernorm'",  # has an arm
    ],
)
def test_otherwise_arms_stay_as_they_are(ask: Ask, line: str) -> None:
    question = ask(line)
    assert typed_as_arm(question) == question


@pytest.mark.parametrize(
    ("typed", "again"),
    [
        (
            ["preset=balanced", "model=tiny", "optimizer.lr=1e-3", "budget.steps=5"],
            ("model=tiny", "budget.steps=5", "--arm", "preset=balanced optimizer.lr=1e-3"),
        ),
        (["model.dropout=0.1", "data=digits"], ("data=digits", "--arm", "model.dropout=0.1")),
        (["model=tiny"], ("model=tiny", "+idea=NAME")),
    ],
)
def test_settings_that_people_compare_become_an_arm(typed: list[str], again: tuple[str]) -> None:
    assert as_an_arm(typed) == again

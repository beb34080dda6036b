"""Which keys make arms, and which arms can stand against one baseline."""

from collections.abc import Callable
from typing import Any

import pytest

from audition.config.groups import GROUPS
from audition.errors import AuditionError
from audition.sweep.keys import check_axis, check_tuned
from audition.sweep.plan import make_plan

Ask = Callable[[str], Any]


@pytest.mark.parametrize("name", [n for n, g in GROUPS.items() if g.decides != "numbers"])
def test_a_key_that_decides_no_number_makes_no_arms_and_is_not_tuned(ask: Ask, name: str) -> None:
    if name not in ("seed", "deploy"):  # what is deployed makes arms of the same trained runs
        with pytest.raises(AuditionError, match=rf"^{name}\.x .*no arm"):
            check_axis(f"{name}.x")
    with pytest.raises(AuditionError, match=rf"^tune={name}\.x decides no number"):
        check_tuned(f"{name}.x")


@pytest.mark.parametrize("name", [n for n, g in GROUPS.items() if g.decides == "numbers"])
def test_a_key_that_decides_numbers_makes_arms(name: str) -> None:
    check_axis(f"+{name}.x")
    check_axis(GROUPS[name].choices or name)
    if name != "budget":
        check_tuned(f"{name}.x")


def test_nothing_is_tuned_in_how_long_it_trains(ask: Ask) -> None:
    with pytest.raises(
        AuditionError, match=r"tune=budget\.steps would compare runs of unlike length"
    ):
        ask("+idea=placebo tune=optimizer.lr,budget.steps")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("budget.tokens=1e4 budget.steps=5", "budget.tokens=1e4 and budget.steps=5"),
        ("budget.steps=5 +idea=placebo budget.tokens=9", "budget.steps=5 and budget.tokens=9"),
        ("++budget.tokens=1e4 budget.minutes=1", "budget.tokens=1e4 and budget.minutes=1"),
    ],
)
def test_of_two_budgets_that_are_typed_none_is_passed_over(
    ask: Ask, composer: Any, line: str, said: str
) -> None:
    with pytest.raises(AuditionError) as refusal:
        make_plan(ask(f"model=tiny {line} seed=1"), composer)
    assert str(refusal.value) == f"{said} are both set: choose one, and leave the other out"


@pytest.mark.parametrize("line", ["budget.tokens=9000 budget.steps=null", "budget.steps=5"])
def test_one_budget_may_be_typed_in_place_of_the_configs(
    ask: Ask, composer: Any, line: str
) -> None:
    (run,) = make_plan(ask(f"model=tiny {line} seed=1"), composer).runs
    assert run.record.budget == {k[7:]: int(v) for k, v in [line.split()[0].split("=")]}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "budget.steps=2,3",
            "'budget.steps=2' trains for budget.steps=2 and the baseline for budget.tokens=1000000",
        ),
        (
            "+idea=placebo baseline='budget.steps=7'",
            "'placebo' trains for budget.tokens=1000000 and",
        ),
        ("data.context=16", None),
        ("data.context=16,32", "'data.context=16' is evaluated on other held-out data"),
        ("model=nano,tiny", "is evaluated on other held-out data"),
        ("execution.threads=1,2", "'execution.threads=2' computes with execution.threads=2 and"),
        ("optimizer=adamw,sgd precision=bf16,fp32", None),
    ],
)
def test_arms_are_alike_in_what_a_verdict_needs(
    ask: Ask, composer: Any, line: str, said: str | None
) -> None:
    question = ask(f"model=tiny {line} seed=1")
    if said is None:
        assert make_plan(question, composer).runs
    else:
        with pytest.raises(AuditionError) as refusal:
            make_plan(question, composer)
        assert str(refusal.value).startswith("arm '")
        assert said in str(refusal.value)

"""Arms that take a chain apart: all of them, once each, and read back."""

from itertools import combinations
from math import factorial

import pytest

from audition.answers.interactions import parts_of
from audition.config.ablation import ablation, left_out, orders
from audition.config.members import members
from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.sweep.arms import Question, arm_name, with_arms

NAMES = ["a", "b", "c", "d"]
EXPERIMENTS = {m.name: m for m in members("experiment")}


def named(lines):
    """The arms of lines, as a sweep names them."""
    return [arm.name for arm in with_arms(Question((), (), None), lines).arms]


def test_an_ablation_has_every_effect_left_out_alone_and_every_pair():
    found = [parts_of(name) for name in named(ablation(NAMES))]
    assert len(found) == len(set(found)) == 15
    out = [frozenset(f"effects.{n}.bypass=true" for n in some)
           for size in (1, 2, 3, 4) for some in combinations(NAMES, size)]  # fmt: skip
    assert set(found) == set(out)
    assert len(ablation([*NAMES, "e", "f"])) == 6 + 15 + 6 + 1


def test_what_an_arm_leaves_out_is_read_off_its_name():
    found = [left_out(name) for name in named(ablation(NAMES))]
    assert [name for name in found if name] == NAMES
    assert left_out("effects.averages.ema.bypass=true") == "averages.ema"
    assert left_out(arm_name(["+idea=placebo"])) is None


def test_orders_are_all_but_its_own():
    found = orders(NAMES)
    assert len(found) == len(set(found)) == factorial(4) - 1
    assert "effects.order=[a,b,c,d]" not in found
    with pytest.raises(AuditionError, match="6 effects have more orders"):
        orders([*NAMES, "e", "f"])


@pytest.mark.parametrize(
    ("name", "arms"), [("effect_ablation", ablation), ("effect_order", orders)]
)
def test_the_experiments_have_the_arms_of_their_chain(name, arms, settings_of):
    member = EXPERIMENTS[name]
    sweeper = member.plain["hydra"]["sweeper"]
    settings = settings_of(member.chosen)
    assert sweeper["arms"] == arms(list(settings["effects"]))
    for line in sweeper["arms"]:
        effects = settings_of(member.chosen, *line.split())["effects"]
        assert list(effects.items()) != list(settings["effects"].items())
    campaign = conf_dir().parent / "sweeps" / f"{name}.yaml"
    assert f"override /experiment: {name}" in campaign.read_text(encoding="utf-8")

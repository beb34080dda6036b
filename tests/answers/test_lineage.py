"""Lineage: the log replays to who lives, and what is counted of it, on families made by hand."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import spearmanr

from audition.answers.lineage.family import Family, shares_of
from audition.answers.lineage.measures import dominance, foretold, summary, survival
from audition.answers.lineage.trees import to_dot, to_json, to_newick
from audition.errors import AuditionError
from audition.records.lineage import FILE, Lineage, Turn, numbered, read_lineage
from audition.stats.ranks import spearman

SITE = "blocks.0.feedforward"


def turn(step, born, slots, parents, died, **more):
    more = {"site": SITE, "strategy": "clone", **more}
    return Turn(step=step, born=born, slots=slots, parents=parents, died=died, **more)


BEGUN = Lineage.begin({SITE: 4})
MADE = replace(
    BEGUN,
    turns=(
        # 4 is a child of 0 in the place of 3; then 5 of 4 (.25) and 1 (.75) in that of 2
        turn(10, (4,), (3,), ((0,),), (3,), fitness=(9.0, 3.0, 2.0, 1.0)),
        turn(20, (5,), (2,), ((4, 1),), (2,), facts={"alpha": (0.25,)}, fitness=(1, 2, 0, 3)),
        # 6 is drawn anew in the place of 0, which leaves
        turn(30, (6,), (0,), ((),), (0,), strategy="reset"),
    ),
)
"""Four units, and three births."""


@pytest.fixture
def family():
    return Family.of(MADE, until=40)


def test_the_log_replays_to_the_living():
    assert MADE.living == {SITE: (6, 1, 5, 4)}
    assert MADE.up_to(20).living == {SITE: (0, 1, 5, 4)}
    assert MADE.next_id == 7


def test_a_site_may_grow_and_shrink():
    grown = turn(10, (4, 5), (4, 5), ((0,), (1,)), (2,))  # two added, and 2 taken out
    log = replace(BEGUN, turns=(grown,))
    assert log.living == {SITE: (0, 1, 3, 4, 5)}
    later = turn(20, (6,), (4,), ((3,),), (5,))  # slots are those of after the shrinking
    assert replace(log, turns=(grown, later)).living == {SITE: (0, 1, 3, 4, 6)}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (turn(10, (3,), (3,), ((0,),), (3,)), "an id to two units"),
        (turn(10, (4, 4), (3, 2), ((0,), (0,)), (3, 2)), "an id to two units"),
        (turn(10, (4,), (3,), ((9,),), (3,)), r"parents \[9\] that do not live"),
        (turn(10, (4,), (3,), ((4,),), (3,)), r"parents \[4\] that do not live"),
        (turn(10, (4,), (3,), ((0,),), ()), "not empty"),
        (turn(10, (4,), (3,), ((0,),), (3, 8)), "dead units that were not in"),
        (turn(10, (4, 5), (3, 3), ((0,), (0,)), (3,)), "slots twice"),
        (turn(10, (), (), (), (), site="elsewhere"), "elsewhere, which has no units"),
    ],
)
def test_a_log_that_could_not_have_happened_is_refused(wrong, why):
    with pytest.raises(AuditionError, match=why):
        replace(BEGUN, turns=(wrong,))


def test_an_event_in_slots_becomes_one_in_ids():
    before = (7, 3, 5, 8)
    found = numbered(
        before,
        9,
        step=4,
        site=SITE,
        strategy="x",
        born=[1, 4],
        parents=[[0, -1], [2, 3]],
        removed=[3],
        grown=6,
        facts={"alpha": [0.5, 0.123456]},
        fitness=[1.0, float("nan"), 2.0, 3.0],
    )
    assert (found.born, found.slots) == ((9, 10, 11), (1, 4, 5))  # slot 5 is added without parents
    assert found.parents == ((7,), (5, 8), ())
    assert found.died == (3, 8)
    assert found.facts == {"alpha": (0.5, 0.1235, None)}
    assert found.fitness == (1.0, None, 2.0, 3.0)
    assert found.after(before) == (7, 9, 5, 10, 11)


def test_the_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / FILE
    assert read_lineage(tmp_path) is None
    path.write_text("".join(f"{line}\n" for line in MADE.lines()))
    assert read_lineage(tmp_path) == MADE
    path.write_text(path.read_text() + '{"step": 40, "site": "blo')  # under way
    assert read_lineage(tmp_path) == MADE
    for damage in ("[]\n", '{"sites": 3}\n', "\x00\n"):
        path.write_text(damage)
        with pytest.raises(AuditionError, match=f"{FILE}"):
            read_lineage(tmp_path)


def test_descendants_are_counted_once(family):
    assert family.descendants == {0: 2, 1: 1, 2: 0, 3: 0, 4: 1, 5: 0, 6: 0}
    assert family.descendants_after(10) == {0: 1, 1: 1, 2: 0, 3: 0, 4: 1, 5: 0, 6: 0}
    diamond = replace(
        BEGUN,
        turns=(
            turn(1, (4, 5), (2, 3), ((0,), (0,)), (2, 3)),
            turn(2, (6,), (1,), ((4, 5),), (1,)),
        ),
    )
    assert Family.of(diamond).descendants[0] == 3


def test_parents_are_born_before_their_children(family):
    for unit in family.units.values():
        assert all(parent < unit.id for parent in unit.parents)
        assert all(family.units[p].born <= unit.born for p in unit.parents)


def test_ancestry_is_a_mean_of_parents(family):
    assert family.ancestry[5] == {0: 0.25, 1: 0.75}
    assert family.ancestry[6] == {6: 1.0}
    for shares in family.ancestry.values():
        assert sum(shares.values()) == pytest.approx(1.0)


def test_parts_of_dynasties_add_up_to_the_living(family):
    assert family.dynasties(family.living) == {1: 1.75, 0: 1.25, 6: 1.0}
    assert sum(family.dynasties(family.living).values()) == len(family.living)


@pytest.mark.parametrize(
    ("parents", "alpha", "shares"),
    [
        ((), None, {}),
        ((3,), 0.2, {3: 1.0}),
        ((3, 4), 0.2, {3: 0.2, 4: 0.8}),
        ((3, 4), None, {3: 0.5, 4: 0.5}),
        ((3, 3), 0.2, {3: 1.0}),
        ((3, 4, 5, 6), 0.2, {3: 0.25, 4: 0.25, 5: 0.25, 6: 0.25}),
    ],
)
def test_shares_of_parents(parents, alpha, shares):
    assert shares_of(parents, alpha) == pytest.approx(shares)


def test_dominance_over_time(family):
    found = [(d.step, d.dynasties, d.largest, d.effective) for d in dominance(family)]
    assert found[0] == (0, 4, 0.25, 4.0)
    assert found[1] == (10, 3, 0.5, pytest.approx(1 / (0.5**2 + 2 * 0.25**2)))
    assert found[3] == (30, 3, 1.75 / 4, pytest.approx(16 / (1.75**2 + 1.25**2 + 1)))


def test_survival_is_kaplan_and_meier(family):
    by_group = {each.group: each for each in survival(family)}
    founders = by_group["from the start"]
    # of four one dies at 10, one at 20, one at 30; the last lives on to 40
    assert (founders.units, founders.deaths) == (4, 3)
    assert founders.ages == (0, 10, 20, 30, 40)
    assert founders.alive == pytest.approx((1.0, 0.75, 0.5, 0.25, 0.25))
    clones = by_group["clone"]
    assert (clones.units, clones.deaths, clones.ages) == (2, 0, (0, 30))


def test_those_who_left_the_study_are_not_at_risk():
    """One of two dies at age 10; a third, born late, was seen for 5 steps only."""
    log = replace(
        Lineage.begin({SITE: 2}),
        turns=(
            turn(10, (2,), (0,), ((1,),), (0,)),
            turn(15, (3,), (1,), ((2,),), (1,)),
            turn(20, (4,), (0,), ((3,),), (2,)),
        ),
    )
    clones = next(e for e in survival(Family.of(log, until=20)) if e.group == "clone")
    # ages at the end: 2 died at 10; 3 was seen for 5, 4 for 0 steps: at age 10 one is at risk
    assert (clones.ages, clones.alive) == ((0, 10), (1.0, 0.0))


def test_fitness_and_descendants_correlate_as_scipy_says(family):
    told = foretold(family)
    # Event 10: survivors 0, 1, 2 of fitness 9, 3, 2; descendants later: 1, 1, 0
    first = spearmanr([9, 3, 2], [1, 1, 0]).statistic
    assert told.later == pytest.approx(first)  # event 20 has no later births among its units
    at_once = spearmanr([9, 3, 2], [2, 1, 0]).statistic
    # At event 20 its survivors 0, 1 and 4 have the one child, or grandchild, each: no correlation
    assert told.at_once == pytest.approx(at_once)
    assert (told.events, told.units) == (1, 3)


def test_spearman_is_that_of_scipy():
    generator = np.random.default_rng(0)
    for _ in range(20):
        x, y = generator.integers(0, 5, (2, 12))
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))


def parsed_newick(text):
    """[(node, parent, length)] of a tree of plain names."""
    edges, stack, node = [], [[]], None
    for token in re.findall(r"\(|\)|,|;|[^(),;]+", text):
        if token == "(":
            stack.append([])
        elif token == ")":
            node = stack.pop()
        elif token not in ",;":
            name, _, length = token.partition(":")
            edges += [(child, name, far) for child, far in node or []]
            stack[-1].append((name, float(length) if length else 0.0))
            node = None
    assert len(stack) == 1
    return edges


def test_newick_has_every_unit_with_kin_under_its_first_parent(family):
    (line,) = to_newick(family).splitlines()
    assert line.endswith(f"'{SITE}';")
    edges = {child: (parent, length) for child, parent, length in parsed_newick(line)}
    assert edges == {
        "0": (f"'{SITE}'", 0.0),
        "1": (f"'{SITE}'", 0.0),
        "4": ("0", 10.0),
        "5": ("1", 20.0),  # of which it has three quarters
    }


def test_newick_of_a_line_deeper_than_the_stack():
    turns = [turn(i, (1 + i,), ((i - 1) % 2,), ((i,),), (i - 1,)) for i in range(1, 3000)]
    log = replace(Lineage.begin({SITE: 2}), turns=tuple(turns))
    family = Family.of(log)
    assert to_newick(family).count("(") == 3000
    assert family.descendants[1] == 2999


def test_graphviz_has_an_edge_for_each_parent(family):
    text = to_dot(family)
    assert re.findall(r"(\d+) -> (\d+) \[penwidth=([\d.]+)", text) == [
        ("0", "4", "2.00"),
        ("4", "5", "0.50"),
        ("1", "5", "1.50"),
    ]
    assert text.count("{") == text.count("}")
    assert "2 [label" not in text  # it has no kin
    assert '0 [label="0", tooltip="born 0, died 30"];' in text
    assert '4 [label="4", tooltip="born 10", style=filled];' in text


def test_json_holds_the_whole_family(family):
    plain = json.loads(json.dumps(to_json(family)))
    assert len(plain["lineage"]) == 7
    assert plain["lineage"][5]["parents"] == [
        {"unit": 4, "share": 0.25},
        {"unit": 1, "share": 0.75},
    ]
    assert plain["born"] - plain["died"] == 0
    assert plain["most_descendants"][0] == summary(family)["most_descendants"][0]
    assert plain["most_descendants"][0]["unit"] == 0
    steps = plain["steps"]
    assert all(a < b for a, b in pairwise(steps))

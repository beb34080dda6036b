"""Spikes by arm: means, intervals, how long they last, and what units were replaced by."""

import json
import math

import pytest
from scipy import stats

from audition.answers.spikes import ArmSpikes, Rule, Spike, rule_of
from audition.records.lineage import Lineage, numbered
from audition.report.figures import loss_spikes
from audition.report.figures.spikes import lasting, mean_path, rule_text
from audition.report.spikes import spike_rows


def spike(size, back=None, path=()):
    return Spike(10, 2.0, 2.0 + size, back, 8, ((0, size), *path))


@pytest.fixture
def arm():
    return ArmSpikes(
        "apoptosis=mutation",
        Rule("mutation", 0.3, 26.0),
        {
            1: (spike(0.1, 2, ((1, 0.05), (2, -0.01))), spike(0.3)),
            2: (spike(0.4, 1, ((1, 0.0),)), spike(0.8, 8)),
            3: (spike(0.3, 4),),
        },
    )


def test_an_arm_is_the_mean_of_its_seeds_with_students_interval(arm):
    means = [0.2, 0.6, 0.3]
    assert list(arm.means.values()) == pytest.approx(means)
    assert arm.size == pytest.approx(1.1 / 3)
    expected = stats.t.interval(0.95, 2, 1.1 / 3, stats.sem(means))
    assert arm.interval() == pytest.approx(expected)
    alone = ArmSpikes("a", arm.rule, {1: arm.spikes[1]})
    assert all(map(math.isnan, alone.interval()))


def test_what_was_not_seen_to_be_back_counts_as_longest(arm):
    assert (arm.back, arm.typical) == (4, 4)
    assert lasting(arm) == "back in 4 steps"
    stuck = ArmSpikes("a", arm.rule, {1: (spike(0.1), spike(0.2), spike(0.3, 1))})
    assert stuck.typical == math.inf
    assert lasting(stuck) == "1 of 3 seen to be back"
    assert spike_rows([stuck])[0][-1] == "1 of 3"
    assert json.loads(json.dumps(arm.to_dict()))["spike"] == pytest.approx(1.1 / 3)


def test_the_path_is_a_mean_over_events_and_ends_where_half_were_seen(arm):
    short = ArmSpikes("a", arm.rule, {1: arm.spikes[1], 2: arm.spikes[2][:1]})
    path = dict(mean_path([short]))
    assert path[0] == pytest.approx((0.1 + 0.3 + 0.4) / 3)
    assert path[1] == pytest.approx((0.05 + 0.0) / 2)
    assert path[2] == pytest.approx((-0.01 + 0.0) / 2)  # one stays where it was back


def test_the_rule_is_what_the_lineage_says(tmp_path):
    log = Lineage.begin({"a": 4})
    turn = numbered(
        log.founders["a"],
        log.next_id,
        step=5,
        site="a",
        strategy="crossover",
        born=[0, 2],
        parents=[[1, 3], [3, 1]],
        removed=[],
        grown=4,
        facts={"sigma": [0.1, 0.3]},
        fitness=[],
    )
    lines = Lineage(log.founders, 0, (turn,)).lines()
    (tmp_path / "lineage.jsonl").write_text("".join(f"{line}\n" for line in lines))
    assert rule_of([tmp_path]) == Rule("crossover", pytest.approx(0.2), 2.0)
    nothing = rule_of([tmp_path / "none"])
    assert (nothing.parents, nothing.sigma) == ("", None)
    assert math.isnan(nothing.units)


def test_the_figure_has_a_row_an_arm_and_a_path_a_rule(arm):
    other = ArmSpikes("tiny", Rule("clone", None, math.nan), {1: (spike(0.001, 1),)})
    figure = loss_spikes([other, arm])
    ids = {child.get_gid() for axes in figure.axes for child in axes.get_children()}
    assert {"spike-0", "spike-1", "path-mutation", "path-clone"} <= ids
    assert rule_text(arm) == "mutation, σ 0.3, 26 units"
    assert rule_text(other) == "clone"
    assert len(loss_spikes([]).axes) == 0

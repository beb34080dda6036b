"""The figure of a claimed cost: points where the numbers put them, and the staircase of the best."""

from typing import Any

import numpy as np
import pytest
from made_records import made

from audition.amount import Amount
from audition.answers import Judgement, judge_plan
from audition.records.registration import PlannedArm, PlannedClaim, Registration
from audition.report.figures import claimed_costs, cost_frontier
from audition.report.style import caption_of

SEEDS = (1, 2, 3)
ARMS = {"baseline": (0.0, 800), "small": (0.0, 200), "tiny": (0.4, 100), "behind": (0.5, 400)}


def judged(**sizes: tuple[float, float]) -> list[Judgement]:
    arms = {**ARMS, **sizes}
    plan = Registration(
        baseline_hash="baseline",
        baseline_seeds=SEEDS,
        arms=tuple(
            PlannedArm(name=a, config_hash=a, seeds=SEEDS, cards={})
            for a in arms
            if a != "baseline"
        ),
        metric="val_loss",
        claims=(
            PlannedClaim(
                cost="model_bytes",
                k=2.0,
                delta=0.05,
                arms=tuple(a for a in arms if a != "baseline"),
            ),
        ),
    )
    filed = [
        made(
            arm,
            seed,
            1.8 + rise + 0.01 * seed + (0.001 * seed * (arm != "baseline")),
            costs={"model_bytes": Amount(size, "bytes", "measured")},
        )
        for arm, (rise, size) in arms.items()
        for seed in SEEDS
    ]
    return judge_plan(filed, plan, [plan])


def by_gid(figure: Any) -> dict[str, Any]:
    found = (each for axes in figure.axes for each in axes.get_children())
    return {str(each.get_gid()): each for each in found if each.get_gid()}


def test_points_and_staircase_stand_where_the_numbers_put_them() -> None:
    found = judged()
    assert claimed_costs(found) == ["model_bytes"]
    figure = cost_frontier(found, "model_bytes")
    drawn = by_gid(figure)
    places = {
        judgement.arm.name: drawn[f"arm-{i}"].get_offsets()[0]
        for i, judgement in enumerate(found, start=1)
    }
    for name, (_, size) in ARMS.items():
        if name != "baseline":
            assert places[name][0] == pytest.approx(size / 800)
    assert list(drawn["baseline"].get_offsets()[0]) == pytest.approx([1.0, 1.82])
    xs, ys = drawn["frontier"].get_data()
    assert np.allclose(sorted(xs), [0.125, 0.25, 1.0])  # behind is behind small
    assert list(ys) == sorted(ys, reverse=True)
    filled = {
        judgement.arm.name
        for i, judgement in enumerate(found, start=1)
        if len(drawn[f"arm-{i}"].get_facecolor())
    }
    assert filled == {"small"}
    assert "1 of 3" in caption_of(figure)
    words = {claim.word for judgement in found for claim in judgement.claims}
    assert all(f": {word}" in caption_of(figure) for word in words)


def test_equal_costs_have_an_axis_with_room() -> None:
    figure = cost_frontier(
        judged(small=(0.0, 800), tiny=(0.1, 800), behind=(0.2, 800)), "model_bytes"
    )
    low, high = figure.axes[0].get_xlim()
    assert low < 1.0 < high


def test_without_the_cost_it_is_said() -> None:
    assert "No arm has this cost" in caption_of(cost_frontier([], "latency"))

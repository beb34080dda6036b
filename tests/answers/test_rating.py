"""The rubric: what earns a point, what no point makes up for, and that evidence never lowers."""

from dataclasses import fields, replace
from itertools import product

import pytest

from audition.answers.rating import BANDS, Facts, rate

BEST = Facts(
    planned=True,
    held_out=True,
    shared_seeds=8,
    fresh_seeds=8,
    fair=True,
    settled=True,
    least_factor=3.2,
    cost_method="exact",
    supported=True,
    elsewhere=True,
    same_seed_baseline=True,
)
MORE = {
    "planned": (False, True),
    "held_out": (False, True),
    "shared_seeds": (0, 2, 3, 5, 20),
    "fresh_seeds": (0, 3, 5, 20),
    "fair": (False, True),
    "settled": (False, True),
    "least_factor": (None, 1.5, 2.0, 3.0, 10.0),
    "excludes_claimed": (False, True),
    "cost_method": (None, "modelled", "simulated", "measured", "exact"),
    "supported": (False, True),
    "elsewhere": (False, True),
    "same_seed_baseline": (False, True),
}
"""Fact -> its values, each of which is more evidence than the one before, or as much."""
FAULTS = {"training_loss": True, "unlike": "budget", "other_bits": True, "control_passes": True}


def test_all_of_it_is_ten_and_nothing_is_nothing():
    assert rate(BEST).total == 10
    assert rate(BEST).caps == ()
    assert rate(Facts()).total == 0
    assert sum(point.most for point in rate(Facts()).points) == 10


def test_every_fact_is_one_that_adds_or_a_fault():
    assert {each.name for each in fields(Facts)} == {*MORE, *FAULTS}


@pytest.mark.parametrize(
    ("without", "most"),
    [
        ({"same_seed_baseline": False}, 2),
        ({"training_loss": True}, 2),
        ({"shared_seeds": 2}, 3),
        ({"unlike": "budget"}, 4),
        ({"other_bits": True}, 4),
        ({"control_passes": True}, 5),
    ],
)
def test_a_fault_caps_whatever_else_is_there(without, most):
    found = rate(replace(BEST, **without))
    assert found.total == most < found.earned
    assert any(line.startswith(f"at most {most}: ") for line in found.reasons)


@pytest.mark.parametrize(
    ("without", "lost"),
    [
        ({"planned": False}, 1),
        ({"held_out": False}, 1),
        ({"fresh_seeds": 4}, 1),
        ({"fair": False}, 1),
        ({"settled": False}, 1),
        ({"least_factor": 2.9}, 1),
        ({"least_factor": 1.9}, 2),
        ({"least_factor": None}, 2),
        ({"least_factor": None, "excludes_claimed": True}, 0),
        ({"cost_method": "modelled"}, 1),
        ({"cost_method": "simulated"}, 1),
        ({"cost_method": "measured"}, 0),
        ({"elsewhere": False}, 1),
    ],
)
def test_each_point_is_lost_with_what_earns_it_and_says_why(without, lost):
    found = rate(replace(BEST, **without))
    assert found.total == 10 - lost
    assert all(point.reason for point in found.points)


@pytest.mark.parametrize("fault", [{}, *({name: value} for name, value in FAULTS.items())])
@pytest.mark.parametrize("name", MORE)
def test_more_evidence_never_lowers(name, fault):
    """From every corner of the other facts: nothing there, and everything there."""
    others = [other for other in MORE if other != name]
    corners = [dict.fromkeys(others[:0]), {other: MORE[other][-1] for other in others}]
    corners += [
        {other: MORE[other][-1] for other, on in zip(others, bits, strict=True) if on}
        for bits in product((False, True), repeat=len(others))
        if sum(bits) in (1, len(others) - 1)
    ]
    for corner in corners:
        totals = [rate(Facts(**corner, **fault, **{name: value})).total for value in MORE[name]]
        assert totals == sorted(totals), corner


def test_a_placebo_cannot_pass_six():
    """It is planned, replicated, settled and the same everywhere, and no value of it was claimed."""
    placebo = replace(BEST, least_factor=None, cost_method=None, supported=False)
    assert rate(placebo).total == 6
    assert "every placebo" in rate(placebo).points[-1].reason


def test_the_bands_are_those_of_document_004_and_cover_all():
    assert BANDS == {"none": (0, 0), "low": (1, 4), "middle": (5, 6), "high": (7, 10)}
    found = [rate(replace(BEST, control_passes=True)), rate(BEST), rate(Facts())]
    assert [each.band for each in found] == ["middle", "high", "none"]

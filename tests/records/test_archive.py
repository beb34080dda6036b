"""The archive against brute force: it keeps exactly what nothing beats; selectors do as they say."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.archive import (
    FILE,
    FOLDER,
    Archive,
    Point,
    read_archive,
    read_weights,
    write_archive,
)

LOSS, ACCURACY = Measure("validation loss", ""), Measure("accuracy", "%", "higher")
grid = st.integers(0, 6).map(float)  # few values, so that many are alike
values = st.lists(st.tuples(grid, grid), min_size=1, max_size=40)


def made(pairs, measure=LOSS, size=10):
    """The archive after those evaluations, one after the other."""
    archive = Archive(measure=measure)
    for step, (complexity, value) in enumerate(pairs, 1):
        at = {"step": step, "units": 64 * step, "file": f"step_{step}.pt", "size": size}
        archive = archive.with_point(Point(complexity=complexity, value=value, **at))
    return archive


def beaten(own, others):
    return any(c <= own[0] and v <= own[1] and (c, v) != own for c, v in others)


@given(values, st.booleans())
@settings(deadline=None)
def test_it_keeps_exactly_what_nothing_beats(pairs, higher):
    given_pairs = [(c, -v) for c, v in pairs] if higher else pairs
    archive = made(given_pairs, ACCURACY if higher else LOSS)
    expected = {i for i, own in enumerate(pairs, 1) if not beaten(own, pairs)}
    assert {p.step for p in archive.points} == expected
    order = [(p.complexity, archive.loss(p)) for p in archive.points]
    assert order == sorted(order)


@given(values, st.integers(0, 60))
@settings(deadline=None)
def test_room_is_bounded_and_no_point_is_lost(pairs, most):
    whole = made(pairs)
    kept = whole.within(most)
    assert kept.kept_bytes <= most
    assert len(kept.stored) == min(len(whole.points), most // 10)
    assert [(p.step, p.value) for p in kept.points] == [(p.step, p.value) for p in whole.points]
    if kept.stored:
        assert kept.best().value == whole.best().value
    if len(kept.stored) >= 3:
        assert whole.points[0].complexity == kept.stored[0].complexity


def test_the_most_crowded_makes_way_first():
    archive = made([(0.0, 10.0), (1.0, 5.0), (1.1, 4.9), (4.0, 2.0), (9.0, 1.0)])
    assert [p.step for p in archive.within(45).stored] == [1, 2, 4, 5]


def test_one_of_the_same_step_is_replaced_and_what_is_not_finite_left_out():
    archive = made([(1.0, 3.0), (2.0, 2.0)])
    again = archive.with_point(Point(step=2, units=128, complexity=0.5, value=4.0))
    assert [(p.step, p.value) for p in again.points] == [(2, 4.0), (1, 3.0)]
    for complexity, value in ((math.nan, 1.0), (0.0, math.inf)):
        bad = Point(step=3, units=1, complexity=complexity, value=value)
        assert archive.with_point(bad) is archive


def test_the_knee_is_farthest_below_the_line_between_the_ends():
    bend = [(0.0, 1.0), (0.1, 0.3), (0.5, 0.2), (1.0, 0.0)]
    assert made(bend).knee().complexity == 0.1
    scaled = [(1e-6 * c, 5.0 + 1e-3 * v) for c, v in bend]  # units do not matter
    assert made(scaled).knee().complexity == 1e-7
    assert made([(0.0, 1.0), (1.0, 0.0)]).knee().value == 0.0
    assert made([(3.0, 1.0)]).knee().value == 1.0
    with pytest.raises(AuditionError, match="keeps no weights"):
        Archive().knee()


def test_the_least_complex_within_a_bound():
    archive = made([(0.0, 9.0), (1.0, 5.0), (2.0, 4.0)])
    assert [archive.least(bound).complexity for bound in (9.0, 5.5, 5.0, 4.0)] == [0, 1, 1, 2]
    with pytest.raises(AuditionError, match=r"val_loss at 3\.9 or better: the best have 4"):
        archive.least(3.9)
    accuracy = made([(0.0, 40.0), (1.0, 90.0)], ACCURACY)
    assert accuracy.least(60.0).complexity == 1.0
    with pytest.raises(AuditionError, match="no weights of step 7 are kept; choose from: 1, 2"):
        accuracy.at(7)


def test_read_and_written_it_is_the_same_and_damage_is_a_sentence(tmp_path):
    (tmp_path / FOLDER).mkdir()
    archive = made([(0.25, 3.5), (1.5, 2.0)], ACCURACY)
    with pytest.raises(AuditionError, match="keeps no memory: train it with memory=ockham"):
        read_archive(tmp_path)
    write_archive(tmp_path, archive)
    assert read_archive(tmp_path) == archive
    path = tmp_path / FOLDER / FILE
    whole = path.read_text()
    for text in (whole[:40], "[]", '{"schema": 9}', whole.replace('"step": 1', '"step": "x"')):
        path.write_text(text)
        with pytest.raises(AuditionError, match=FILE):
            read_archive(tmp_path)
    with pytest.raises(AuditionError, match="cannot be read: No such file"):
        read_weights(tmp_path, archive.points[0])
    (tmp_path / FOLDER / "step_1.pt").write_bytes(b"other")
    with pytest.raises(AuditionError, match="is damaged"):
        read_weights(tmp_path, archive.points[0])


def test_what_a_point_alone_covers_is_the_loss_of_area_without_it():
    archive = made([(0.0, 1.0), (0.2, 0.5), (0.6, 0.4), (1.0, 0.0)])

    def area(points):
        corners = [(p.complexity, p.value) for p in points]
        return sum((b[0] - a[0]) * (1.0 - a[1]) for a, b in pairwise(corners))

    for point in archive.stored[1:-1]:
        without = area([p for p in archive.stored if p is not point])
        assert archive.covered(point) == pytest.approx(area(archive.stored) - without)

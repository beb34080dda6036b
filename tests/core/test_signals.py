"""The small values: batches and how they split, costs, and a problem posed about part of a batch."""

import pytest
import torch

from audition.errors import AuditionError
from audition.recipe.batches import Batch
from audition.recipe.problem import Cost, Loss, Problem


def batch(rows=6, length=3):
    tokens = torch.arange(rows * (length + 1)).view(rows, length + 1)
    return Batch(tokens[:, :-1], tokens[:, 1:], torch.arange(rows), torch.arange(rows) * 10)


def test_rows_and_tokens():
    assert (batch().rows, batch().units) == (6, 18)


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
def test_split_keeps_every_row_in_order(parts):
    pieces = list(batch().split(parts))
    assert [p.rows for p in pieces] == [6 // parts] * parts
    for field in ("inputs", "targets", "ids", "groups"):
        assert torch.equal(torch.cat([getattr(p, field) for p in pieces]), getattr(batch(), field))


@pytest.mark.parametrize("parts", [4, 5, 7])
def test_split_refuses_unequal_parts(parts):
    with pytest.raises(AuditionError, match=f"6 rows cannot be split into {parts} equal parts"):
        list(batch().split(parts))


def test_to_the_same_device_is_itself():
    given = batch()
    assert given.to("cpu") is given
    assert given.to("meta").inputs.device.type == "meta"


def test_costs_add_and_scale():
    assert Cost(1.0, 2.0) + Cost(0.5, 0.5) * 2.0 == Cost(2.0, 3.0)
    assert Cost() + Cost(1.0, 1.0) == Cost(1.0, 1.0)


@pytest.mark.parametrize(
    ("pieces", "rows", "then"),
    [(1, 3, 1), (2, 3, 1), (3, 3, 3), (6, 3, 3), (1, 12, 2), (3, 12, 6), (2, 6, 2), (9, 3, 3)],
)
def test_a_part_is_passed_in_the_fewest_pieces_no_longer_than_the_whole_s(pieces, rows, then):
    problem = Problem(torch.nn.Identity(), {}, Loss(), batch(), pieces).on(batch(rows))
    assert problem.micro_batches == then
    assert problem.batch.rows == rows
    assert len(list(problem.batch.split(problem.micro_batches))) == then

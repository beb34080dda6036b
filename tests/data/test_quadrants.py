"""The quadrants: what the rows and their classes are, and that they are split as is said."""

import numpy as np
import torch

from audition.data.quadrants import HALF, WIDE, Quadrants, made
from audition.recipe.batches import Clock, Shape
from audition.recipe.streams import Streams


def test_classes_are_equally_frequent_and_follow_from_two_of_ten_numbers():
    rows, classes = made()
    assert rows.shape == (5100, 1, 1, WIDE)
    assert np.bincount(classes).tolist() == [2550, 2550]
    sign = np.where(rows[:, 0, 0, :] >= HALF, 1, -1)
    assert (classes == (sign[:, 0] * sign[:, 1] > 0)).all()
    # No other number says anything of the class, and none of the two alone does.
    assert np.abs(np.corrcoef(sign.T, classes)[-1, :-1]).max() < 0.06


def test_rows_are_split_alike_for_every_seed():
    ours, theirs = (Quadrants(batch_size=16).open(Streams(seed)) for seed in (1, 2))
    assert ours.shape == Shape((1, 1, WIDE), 2)
    held_out = [torch.cat([b.inputs for b in each.held_out(512)]) for each in (ours, theirs)]
    assert len(held_out[0]) == 4000
    assert torch.equal(*held_out)
    assert not torch.equal(ours.train(Clock(0)).ids, theirs.train(Clock(0)).ids)
    epoch = torch.cat([ours.train(Clock(step)).ids for step in range(62)])
    assert len(epoch.unique()) == 992  # of 1,000 rows, in whole batches

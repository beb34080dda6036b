"""Augmentation: what each change does to pixels, and that it depends on example and epoch alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from standins import pictures

from audition.data.augment import AREA, ASPECT, DOWN, FLIP, LEFT, RIGHT, TOP, Augment
from audition.data.images import Images, Pictures, Splits
from audition.data.set_aside import SetAside
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.streams import Streams

ASIDE = SetAside(validation=4, probe=2, order=1)
ALL = Augment("random", 2, "reflect", 0.5)


def images(augment: Augment, batch_size: int = 16, seed: int = 1) -> Images:
    splits = Splits.of(Pictures.of(*pictures(300, 12, channels=3)), ASIDE)
    return Images(splits, Streams(seed), batch_size=batch_size, classes=10, augment=augment)


def draws(**columns: float) -> np.ndarray:
    table = np.full((1, 7), 0.5, np.float32)
    for name, value in columns.items():
        table[0, globals()[name]] = value
    return table


PICTURE = np.arange(12, dtype=np.uint8).reshape(1, 1, 3, 4)


def test_a_flip_is_a_flip():
    flipped = Augment("random")(PICTURE, draws(FLIP=0.1))
    assert np.array_equal(flipped, PICTURE[..., ::-1])
    assert np.array_equal(Augment("random")(PICTURE, draws(FLIP=0.9)), PICTURE)


def test_a_shift_reflects_or_is_black():
    down = draws(DOWN=0.999, RIGHT=0.5)  # one row further down in the source
    reflected = Augment(shift=1)(PICTURE, down)[0, 0]
    assert np.array_equal(reflected, PICTURE[0, 0][[1, 2, 1]])
    black = Augment(shift=1, fill="black")(PICTURE, down)[0, 0]
    assert np.array_equal(black, np.stack([PICTURE[0, 0, 1], PICTURE[0, 0, 2], np.zeros(4)]))
    sideways = Augment(shift=1)(PICTURE, draws(DOWN=0.5, RIGHT=0.0))[0, 0]
    assert np.array_equal(sideways, PICTURE[0, 0][:, [1, 0, 1, 2]])


def test_every_shift_is_as_likely_and_none_is_larger():
    many = 3000
    table = np.random.default_rng(0).random((many, 7), dtype=np.float32)
    line = np.zeros((many, 1, 9, 9), np.uint8)
    line[:, :, 4, 4] = 1
    moved = Augment(shift=2, fill="black")(line, table)[:, 0].nonzero()
    for axis in (1, 2):
        found = np.bincount(moved[axis], minlength=9)
        assert (found > 0).tolist() == [False, False, True, True, True, True, True, False, False]
        assert found[2:7].min() > many / 5 * 0.85


def test_a_crop_of_everything_is_the_picture_and_a_quarter_is_its_corner():
    whole = Augment(crop=0.25)(PICTURE, draws(AREA=1.0, ASPECT=0.5, TOP=0.3, LEFT=0.9))
    assert np.allclose(whole, PICTURE, atol=1e-4)
    ramp = np.broadcast_to(np.arange(16, dtype=np.uint8), (1, 1, 16, 16))
    corner = Augment(crop=0.25)(ramp, draws(AREA=0.0, ASPECT=0.5, TOP=0.0, LEFT=0.0))
    assert np.allclose(corner[0, 0, 5], ((np.arange(16) + 0.5) / 2 - 0.5).clip(0), atol=1e-4)


def test_an_example_looks_the_same_in_any_batch_size_and_differs_between_epochs():
    seen = {}
    for size in (16, 40):
        batches = images(ALL, size)
        for step in range(480 // size):
            batch = batches.train(Clock(step))
            for place, (number, row) in enumerate(zip(batch.ids, batch.inputs, strict=True)):
                key = (int(number), (step * size + place) // 240)
                assert torch.equal(seen.setdefault(key, row), row)
    assert len(seen) == 480
    assert any(not torch.equal(seen[n, 0], seen[n, 1]) for n, e in seen if not e)


def test_batches_need_no_earlier_ones():
    ours, theirs = images(ALL), images(ALL)
    before = [ours.train(Clock(step)).inputs for step in range(40)]
    for step in (39, 15, 0, 31):
        assert torch.equal(theirs.train(Clock(step)).inputs, before[step])


def test_what_is_probed_or_held_out_is_left_as_it_is():
    plain, changed = images(Augment()), images(ALL)
    assert not torch.equal(plain.train(Clock(0)).inputs, changed.train(Clock(0)).inputs)
    assert torch.equal(plain.probe(3).inputs, changed.probe(3).inputs)
    for ours, theirs in zip(plain.held_out(7), changed.held_out(7), strict=True):
        assert torch.equal(ours.inputs, theirs.inputs)


def test_another_change_moves_no_draw_of_the_first():
    flips = images(replace(ALL, shift=0, crop=1.0)).train(Clock(2)).inputs
    plain = images(Augment()).train(Clock(2)).inputs
    tables = images(ALL)._draws.of(0)
    turned = [not torch.equal(a, b) for a, b in zip(flips, plain, strict=True)]
    numbers = images(ALL).train(Clock(2)).ids.numpy()
    assert turned == (tables[numbers, FLIP] < 0.5).tolist()


def test_alternating_flips_show_each_side_every_other_epoch():
    batches, plain = images(Augment("alternating")), images(Augment())
    turned: dict[int, list[bool]] = {}
    for step in range(60):  # four epochs of 15
        ours, theirs = batches.train(Clock(step)), plain.train(Clock(step))
        for number, a, b in zip(ours.ids, ours.inputs, theirs.inputs, strict=True):
            turned.setdefault(int(number), []).append(not torch.equal(a, b))
    assert all(t in ([True, False] * 2, [False, True] * 2) for t in turned.values())
    assert 80 < sum(t[0] for t in turned.values()) < 160


def test_no_draw_is_taken_from_dropouts_generator():
    before = torch.random.get_rng_state()
    images(ALL).train(Clock(0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_shift_out_of_the_picture_is_refused():
    with pytest.raises(AuditionError, match=r"data\.shift=12 is too far for pictures of 12 x 12"):
        images(Augment(shift=12))


def test_columns_are_apart():
    assert len({FLIP, DOWN, RIGHT, AREA, ASPECT, TOP, LEFT}) == 7

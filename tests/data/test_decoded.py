"""CIFAR-10 and ImageNet by the code that reads the real ones, from files in each of their layouts."""

import tarfile
from io import BytesIO

import numpy as np
import pytest
from scripts import stand_ins
from standins import pictures

from audition.data import cifar10
from audition.data.cifar10 import Cifar10
from audition.data.imagenet import ImageNet
from audition.errors import AuditionError
from audition.recipe.batches import Clock
from audition.recipe.streams import Streams
from audition.sweep.check import check_may_choose

Image = pytest.importorskip("PIL.Image")
FEW = {"validation": 3, "probe": 2, "batch_size": 8, "revision": None}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def records(many: int = 100, seed: int = 0) -> bytes:
    """Pictures of the binary version."""
    pixels, classes = pictures(many, 32, channels=3, seed=seed)
    return np.concatenate([classes[:, None], pixels.reshape(many, -1)], 1).tobytes()


def binary(folder, many: int = 100):
    """The six files of the binary version."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate((*cifar10.TRAINING, *cifar10.TEST)):
        (folder / name).write_bytes(records(many, seed))
    return folder


def archive(path, folder):
    with tarfile.open(path, "w:gz", compresslevel=1) as packed:
        packed.add(folder, "cifar-10-batches-bin")
    return path


def encoded(pixels, form="PNG", mode="RGB") -> bytes:
    out = BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).convert(mode).save(out, format=form)
    return out.getvalue()


def parquet(folder, split, many=100, seed=0, *, image="img", label="label", sides=None, columns=()):
    """A file of a split as the hub has it: a picture is its bytes and a name."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("datasets")
    pixels, classes = pictures(many, 32, channels=3, seed=seed)
    files = [encoded(p[:, : (sides or {}).get(i, 32)]) for i, p in enumerate(pixels)]
    table = {
        image: [{"bytes": each, "path": f"{i}.png"} for i, each in enumerate(files)],
        label: classes.astype(int).tolist(),
    } | dict(columns)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{split}-00000-of-00001.parquet"
    pq.write_table(pa.table(table), path)
    return path


def cifar(path, tmp_path, **settings) -> Cifar10:
    return Cifar10(path=str(path), cache_dir=str(tmp_path / "cache"), **(FEW | settings))


def imagenet(path, tmp_path, **settings) -> ImageNet:
    known = FEW | {"side": 16} | settings
    return ImageNet(path=str(path), cache_dir=str(tmp_path / "cache"), **known)


def folders(folder, many=(12, 20), side=40):
    """Files of two classes, of which there are unequally many."""
    for split in ("train", "val"):
        for each, count in zip(("n01", "n02"), many, strict=True):
            pixels, _ = pictures(count, side, channels=3, seed=count)
            (folder / split / each).mkdir(parents=True)
            for i, picture in enumerate(pixels):
                (folder / split / each / f"{each}_{i}.JPEG").write_bytes(encoded(picture, "JPEG"))
    return folder


def test_the_binary_version_is_read_plane_by_plane(tmp_path):
    source = cifar(binary(tmp_path / "set"), tmp_path)
    source.check()
    splits = source.splits()
    assert (len(splits.training), len(splits.probe), len(splits.validation)) == (450, 20, 30)
    pixels, classes = pictures(100, 32, channels=3, seed=0)
    first = splits.training.numbers[0]
    assert np.array_equal(splits.training.pixels[0], pixels[first])
    assert splits.training.classes[0] == classes[first]
    assert len({*splits.training.numbers, *splits.probe.numbers, *splits.validation.numbers}) == 500


def test_the_archive_is_read_without_being_unpacked(tmp_path):
    folder = binary(tmp_path / "set")
    packed = cifar(archive(tmp_path / "set.tar.gz", folder), tmp_path)
    assert (
        packed.read().test.pixels.tobytes() == cifar(folder, tmp_path).read().test.pixels.tobytes()
    )
    packed.check()
    assert len(list(tmp_path.rglob("data_batch_1.bin"))) == 1


def test_the_hub_s_layout_holds_the_same_pictures(tmp_path):
    parquet(tmp_path / "hub/plain_text", "train", 500)
    parquet(tmp_path / "hub/plain_text", "test", 50, seed=5)
    source = cifar(tmp_path / "hub", tmp_path)
    pixels, classes = pictures(500, 32, channels=3, seed=0)
    found = source.read()
    assert np.array_equal(found.training.pixels, pixels)
    assert np.array_equal(found.training.classes, classes)
    assert len(found.test.classes) == 50


def test_decoded_once_and_judged_on_the_test_where_asked_for(tmp_path, monkeypatch):
    folder = binary(tmp_path / "set")
    source = cifar(folder, tmp_path)
    assert not source.prepared
    source.check()
    assert source.prepared
    monkeypatch.setattr(Cifar10, "read", None)
    tested = cifar(folder, tmp_path, held_out="test")
    ours, theirs = (each.open(Streams(1)) for each in (source, tested))
    assert ours.train(Clock(3)).inputs.equal(theirs.train(Clock(3)).inputs)
    assert sum(batch.rows for batch in theirs.held_out()) == 100
    assert source.corpus_fingerprint == tested.corpus_fingerprint
    assert source.evaluation_fingerprint != tested.evaluation_fingerprint
    (batch,) = ours.within("3", "5").held_out()
    assert {*batch.targets.tolist()} == {3, 5}
    with pytest.raises(AuditionError, match="would choose by the test"):
        check_may_choose({"data": {"held_out": tested.held_out}})


def test_inputs_have_the_scale_of_what_is_trained_on_and_can_be_undone(tmp_path):
    images = cifar(binary(tmp_path / "set"), tmp_path).open(Streams(1))
    whole = images.examples(450)
    assert whole.shape == (450, 3, 32, 32)
    assert whole.mean((0, 2, 3)).abs().max() < 1e-4
    assert (whole.std((0, 2, 3)) - 1).abs().max() < 1e-3
    assert np.array_equal(images.pixels(whole).numpy(), images._splits.training.pixels)
    assert images.shape.pictures.names[3] == "cat"


def test_folders_of_files_are_scaled_cut_and_counted(tmp_path):
    home = folders(tmp_path / "set")
    pixels, _ = pictures(3, 40, channels=3)
    of = home / "train/n02"
    (of / "n02_0.JPEG").write_bytes(encoded(pixels[0], "JPEG", "L"))
    (of / "n02_1.JPEG").write_bytes(encoded(pixels[1], "JPEG", "CMYK"))
    (of / "n02_2.JPEG").write_bytes(encoded(pixels[2], "PNG"))
    (of / "notes.txt").write_text("no picture")
    source = imagenet(home, tmp_path)
    source.check()
    assert source.remarks[-1].startswith("of the pictures that were read: 1 in ")
    for said in ("1 in L conv", "1 in CMYK conv", "1 of the format PNG under another's name"):
        assert said in source.remarks[-1]
    images = source.open(Streams(1))
    assert (images.shape.inputs, images.shape.outputs) == ((3, 16, 16), 2)
    assert images.names == ("n01", "n02")
    assert len(source.splits().training) == 32 - 2 * 5
    before = source.pictures_fingerprint
    (of / "n02_5.JPEG").unlink()
    assert imagenet(home, tmp_path).pictures_fingerprint != before


def test_the_middle_of_an_oblong_picture_is_what_is_seen(tmp_path):
    from collections import Counter

    from audition.data.codec import decoded

    pixels = np.zeros((3, 20, 60), np.uint8)
    pixels[:, :, 20:40] = 200
    found = decoded(encoded(pixels), "a.png", Counter(), side=10)
    assert found.shape == (3, 10, 10)
    assert (found == 200).all()


def test_imagenet_as_the_hub_has_it_in_a_folder_of_the_repository(tmp_path):
    for split in ("train", "validation"):
        parquet(tmp_path / "hub/160px" / split, split, 100, image="image")
    source = imagenet(tmp_path / "hub", tmp_path, inside="160px")
    source.check()
    assert source.open(Streams(1)).shape.inputs == (3, 16, 16)


def rewrite(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (rewrite("data_batch_2.bin", records()[:-7]), r"data_batch_2\.bin of .* is cut short"),
        (rewrite("data_batch_3.bin", records(90)), r"data_batch_3\.bin of .* where 100 are exp"),
        (rewrite("test_batch.bin", b""), r"test_batch\.bin of .* is cut short: it has 0 bytes"),
        (
            rewrite("test_batch.bin", b"\x17" + records()[1:]),
            r"picture 0 of those for the test has class 23, and there are 10 .* without labels",
        ),
        (
            lambda folder: (folder / "test_batch.bin").unlink(),
            r"test_batch\.bin cannot be read: No such file",
        ),
    ],
)
def test_files_that_are_no_whole_binary_version_are_told_in_a_sentence(tmp_path, break_it, said):
    folder = binary(tmp_path / "set")
    break_it(folder)
    told(cifar(folder, tmp_path), said)


def test_an_archive_that_is_cut_short_or_another_is_told_in_a_sentence(tmp_path):
    folder = binary(tmp_path / "set")
    whole = archive(tmp_path / "set.tar.gz", folder).read_bytes()
    short = tmp_path / "short.tar.gz"
    short.write_bytes(whole[: len(whole) // 2])
    told(cifar(short, tmp_path), "short.tar.gz is no whole archive")
    short.write_bytes(b"nothing")
    told(cifar(short, tmp_path), "short.tar.gz is no whole archive")
    (folder / "data_batch_4.bin").unlink()
    told(cifar(archive(tmp_path / "few.tar.gz", folder), tmp_path), "has no data_batch_4.bin: take")


def test_pickles_are_never_opened(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04.")
    for path in (tmp_path, "cifar-10-python.tar.gz"):
        with pytest.raises(
            AuditionError, match="pickled and never opened: take the binary version"
        ):
            cifar(path, tmp_path)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"label": "answer"}, r"column label is no column of .*: answer, img"),
        ({"columns": {"label": [None] * 60}}, "None as its label, which is no class"),
        ({"columns": {"label": [-1] * 60}}, "has class -1, and there are 10 .* without labels cannot"),
        ({"columns": {"img": [None] * 60}}, "train/0 of .* has no picture in column img"),
        ({"columns": {"img": [{"bytes": b"no", "path": "x.png"}] * 60}}, r"train/0 x\.png cannot be"),
        ({"sides": {4: 20}}, r"train/4 4\.png has 20 x 32 pixels, and those of CIFAR-10 have 32 x 32"),
    ],
)  # fmt: skip
def test_rows_without_pictures_or_labels_are_told_in_a_sentence(tmp_path, broken, said):
    parquet(tmp_path / "hub/data", "train", 60, **broken)
    parquet(tmp_path / "hub/data", "test", 60)
    told(cifar(tmp_path / "hub", tmp_path), said)


def test_a_parquet_file_that_is_cut_short_is_told_in_a_sentence(tmp_path):
    path = parquet(tmp_path / "hub/data", "train", 60)
    parquet(tmp_path / "hub/data", "test", 60)
    path.write_bytes(path.read_bytes()[:-100])
    told(cifar(tmp_path / "hub", tmp_path), r"split train, cannot be read: ")


@pytest.mark.parametrize("kind", [Cifar10, ImageNet])
@pytest.mark.parametrize("revision", [None, "main", "v1", COMMIT[:39], COMMIT.upper()])
def test_a_revision_that_is_no_full_hash_is_refused(kind, revision):
    with pytest.raises(AuditionError, match=r"data\.revision.* the full hash.* 40 hexadecimal"):
        kind(revision=revision)
    assert kind().revision != kind(revision=COMMIT).revision


def test_files_of_this_machine_have_no_revision(tmp_path):
    with pytest.raises(AuditionError, match=r"has no meaning for the files of .*: leave it null"):
        cifar(tmp_path, tmp_path, revision=COMMIT)


def test_out_of_reach_the_sentence_says_how_to_try_the_path(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")

    def offline(*given, **settings):
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    for kind, name in ((Cifar10, "cifar10"), (ImageNet, "imagenet")):
        source = kind(cache_dir=str(tmp_path))
        told(source, rf"no network; without a network: python -m scripts\.stand_ins {name} FOLDER")


def test_folders_without_classes_or_with_others_are_told_in_a_sentence(tmp_path):
    home = folders(tmp_path / "set")
    (home / "val/n02").rename(home / "val/n03")
    told(imagenet(home, tmp_path), r"val/n03 is a class of which train has no picture")
    flat = tmp_path / "flat"
    folders(flat)
    for path in list((flat / "val").glob("*/*")):
        path.rename(flat / "val" / path.name)
    told(imagenet(flat, tmp_path), r"flat/val has no folder with pictures for each class")
    short = home / "train/n01/n01_3.JPEG"
    short.write_bytes(short.read_bytes()[:300])
    told(imagenet(home, tmp_path), r"n01_3\.JPEG cannot be read: ")


def test_too_few_pictures_of_a_class_are_told_in_a_sentence(tmp_path):
    home = folders(tmp_path / "set")
    told(
        imagenet(home, tmp_path, validation=50), "class 0 has 12 pictures, too few for 50 to valid"
    )
    told(
        imagenet(home, tmp_path, batch_size=64), r"batch_size=64 is more than the 22 pictures to tr"
    )


def told(source, said):
    with pytest.raises(AuditionError, match=said) as found:
        source.check()
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(("name", "kind"), [("cifar10", Cifar10), ("imagenet", ImageNet)])
def test_a_stand_in_takes_the_path_of_the_set_and_says_what_it_is(tmp_path, name, kind):
    """What a sweep prints before its first run, and `audition benchmark` under its table."""
    pytest.importorskip("mlxtend")
    said = stand_ins.make(name, tmp_path / name)
    assert said.startswith("A stand-in for ")
    source = kind(path=str(tmp_path / name), revision=None, cache_dir=str(tmp_path / "cache"))
    assert source.remarks == (said,)
    source.check()
    assert source.remarks[0] == said
    images = source.open(Streams(1))
    assert images.shape.outputs == 10
    assert len(source.splits().training) >= 300

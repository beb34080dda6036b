"""A user's own text: what trains, what validates, and what is said of files that cannot be used."""

from dataclasses import replace
from pathlib import Path

import pytest

from audition.data.file import File
from audition.data.text import contents
from audition.errors import AuditionError
from audition.recipe.streams import Streams

LINE = "The quality of mercy is not strain'd — it droppeth as the gentle rain.\n"


def of(path: Path, **settings) -> File:
    known = {"batch_size": 2, "context": 8, "evaluation_tokens": "full"}
    return File(path=str(path), cache_dir=str(path.parent / "cache"), **(known | settings))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "notes"
    (home / "deep").mkdir(parents=True)
    for i in range(11):
        place = home / "deep" if i % 2 else home
        (place / f"{i:02}.{'MD' if i == 3 else 'txt'}").write_text(f"{i} " + LINE * 3, "utf-8")
    (home / ".hidden").mkdir()
    for other in (".hidden/a.txt", ".b.txt", "picture.png", "code.py"):
        (home / other).write_bytes(b"\x89PNG\0")
    return home


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_the_end_of_a_file_validates(tmp_path: Path, share: float) -> None:
    content = "".join(f"{i} {LINE}" for i in range(50))
    (tmp_path / "a.txt").write_text(content, "utf-8")
    text = of(tmp_path / "a.txt", validation=share).text()
    (training,), (validation,) = contents(text.training), contents(text.validation)
    assert training + validation == content
    assert len(training) == int(len(content) * (1 - share))


def test_of_a_folder_one_file_in_ten_validates_by_sorted_path(folder: Path) -> None:
    text = of(folder).text()
    names = ["00.txt", "02.txt", "04.txt", "06.txt", "08.txt", "10.txt"]
    names += ["deep/01.txt", "deep/03.MD", "deep/05.txt", "deep/07.txt", "deep/09.txt"]
    assert [d.name for d in text.validation] == [names[0], names[10]]
    assert [d.name for d in text.training] == names[1:10]
    halves = of(folder, validation=0.5).text()
    assert [d.name for d in halves.validation] == names[::2]
    assert not set(contents(halves.training)) & set(contents(halves.validation))


def test_two_files_are_enough_and_one_says_what_to_type(tmp_path: Path) -> None:
    home = tmp_path / "few"
    home.mkdir()
    (home / "a.txt").write_text("a" + LINE * 9, "utf-8")
    with pytest.raises(
        AuditionError, match=r"1 file with text that ends in .* data\.path=.*a\.txt$"
    ):
        _ = of(home).text_fingerprint
    (home / "b.txt").write_text("b" + LINE * 9, "utf-8")
    text = of(home).text()
    assert (len(text.training), len(text.validation)) == (1, 1)
    with pytest.raises(AuditionError, match=r"0 files with text that end in \.rst, .*'data\.suff"):
        _ = of(home, suffixes=(".rst",)).text_fingerprint


def test_copies_of_what_validates_and_empty_files_are_left_out_and_said(folder: Path) -> None:
    (folder / "04.txt").write_bytes((folder / "00.txt").read_bytes())
    (folder / "11.txt").touch()
    source = of(folder)
    text = source.text()
    assert "04.txt" not in {d.name for d in text.training}
    assert len(text.training) == 8
    assert [remark.partition(": ")[2] for remark in source.remarks] == [
        "1 file, each of which is empty, and left out",
        "1 file, each of which says what one that validates says, and is left out of training",
    ]
    for file in folder.rglob("*"):
        if file.suffix in (".txt", ".MD"):
            file.write_text(LINE, "utf-8")
    with pytest.raises(AuditionError, match="nothing is left to train on"):
        of(folder).text()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"data\.path=.*a\.txt is empty: there is nothing to train on"),
        (b"\x89PNG\r\n\x1a\n\0\0", r"a\.txt is not text in UTF-8: byte 0x89 .* it may be no text$"),
        ("née".encode("cp1252") * 50, r"is not text in UTF-8: .* WINDOWS-1252 perhaps: iconv"),
        (b"abc", r"the training text has 2 tokens, too few for windows of any length"),
        (b"abcdefghij" * 2, r"data\.context=8 is too long for the training text of 18 tokens"),
        (b"abcdefghij" * 5, r"data\.context=8 is longer than every validation document"),
    ],
)
def test_files_that_cannot_be_used_are_told_in_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(AuditionError, match=sentence) as told:
        of(tmp_path / "a.txt", batch_size=1).check()
    assert "\n" not in str(told.value)


def test_a_file_of_a_folder_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "05.txt").write_bytes(b"\x89PNG\0")
    with pytest.raises(AuditionError, match=r"data\.path=.*notes/05\.txt is not text in UTF-8"):
        of(folder).check()
    with pytest.raises(AuditionError, match=r"absent cannot be read: No such file"):
        of(folder / "absent").check()


def test_the_identity_is_what_the_files_say_and_how_they_are_split(folder: Path) -> None:
    source = of(folder)
    before = source.text_fingerprint
    moved = folder.rename(folder.with_name("moved"))
    assert of(moved).text_fingerprint == before
    assert of(moved, validation=0.5).text_fingerprint != before
    (moved / "picture.png").write_text("another picture")
    assert of(moved).text_fingerprint == before
    (moved / "02.txt").write_text("edited " + LINE, "utf-8")
    edited = of(moved).text_fingerprint
    assert edited != before
    (moved / "deep/09.txt").rename(moved / "01.txt")  # another file validates
    assert of(moved).text_fingerprint not in (before, edited)


def test_token_ids_are_made_once_and_again_when_a_file_changes(folder: Path, monkeypatch) -> None:
    read: list[Path] = []
    text = File.text

    def counted(source: File):
        read.append(Path(source.path))
        return text(source)

    monkeypatch.setattr(File, "text", counted)
    source = of(folder, tokenizer="bpe", vocab_size=260)
    one = source.tokenised()
    again = replace(source, batch_size=1, context=4).tokenised()
    assert len(read) == 1
    assert one.training.ids.tobytes() == again.training.ids.tobytes()
    (folder / "02.txt").write_text("edited " + LINE, "utf-8")
    assert "edited" in source.tokenised().tokenizer.decode(source.tokenised().training.ids.tolist())
    assert len(read) == 2
    batch = source.open(Streams(1)).probe(0)
    assert batch.inputs.shape == (2, 8)


def test_a_text_that_changes_while_it_is_read_is_not_filed(folder: Path, monkeypatch) -> None:
    text = File.text

    def late(source: File):
        found = text(source)
        (folder / "02.txt").write_text("edited meanwhile " + LINE, "utf-8")
        return found

    monkeypatch.setattr(File, "text", late)
    with pytest.raises(AuditionError, match="changed while it was read"):
        of(folder).tokenised()
    assert not list((folder.parent / "cache").glob("*/manifest.json"))

"""A person's file: what encoding it is in, and what is done about it."""

from hashlib import sha256
from pathlib import Path

import pytest

from audition.data.reading import read
from audition.data.text import contents
from audition.data.tiny_shakespeare import TinyShakespeare
from audition.errors import AuditionError

PLAY = "Läufer:\nEs ist ein Weg — über 100 €.\n\n" * 300


def test_plain_text_is_as_it_is() -> None:
    reading = read(PLAY.encode(), "data.path=x")
    assert (reading.text, reading.remarks) == (PLAY, ())


@pytest.mark.parametrize(
    ("content", "byte", "position", "line", "likely"),
    [
        (PLAY.encode("cp1252"), "e4", 1, 1, "WINDOWS-1252"),
        (b"a line\nthen \xe9t\xe9", "e9", 12, 2, "WINDOWS-1252"),
        (PLAY.encode("utf-16"), "ff", 0, 1, "UTF-16"),
        (PLAY.encode("utf-32"), "ff", 0, 1, "UTF-32"),
        # Without a mark, UTF-16 of plain English is also valid UTF-8, with a NUL at every turn.
        (("To be\n" * 900).encode("utf-16-le"), "00", 1, 1, "UTF-16LE"),
        (("To be\n" * 900).encode("utf-16-be"), "00", 0, 1, "UTF-16BE"),
    ],
)
def test_another_encoding_is_named_with_the_first_byte_at_fault(
    content: bytes, byte: str, position: int, line: int, likely: str
) -> None:
    with pytest.raises(AuditionError) as told:
        read(content, "data.path=play.txt")
    text = str(told.value)
    assert text == (
        f"data.path=play.txt is not text in UTF-8: byte 0x{byte} at position {position:,}, line "
        f"{line:,}; {likely} perhaps: iconv -f {likely} -t UTF-8 play.txt > NEW makes it so"
    )


def test_what_is_no_text_at_all_is_said_so() -> None:
    with pytest.raises(AuditionError, match=r"byte 0x89 at position 0, line 1; it may be no text$"):
        read(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 50, "data.path=x.png")
    with pytest.raises(AuditionError, match=r"data\.path=x is empty"):
        read(b"", "data.path=x")
    with pytest.raises(AuditionError, match=r"data\.path=x is empty"):
        read(b"\xef\xbb\xbf", "data.path=x")


def test_a_mark_and_other_line_ends_are_said_and_make_no_other_text() -> None:
    reading = read(b"\xef\xbb\xbf" + PLAY.replace("\n", "\r\n").encode(), "data.path=x")
    assert reading.text == PLAY
    assert reading.remarks == (
        "data.path=x begins with a byte-order mark, which is left out of the text",
        "data.path=x has 900 line ends of CR or CRLF, which are read as newlines",
    )
    assert read(PLAY.replace("\n", "\r").encode(), "x").text == PLAY


def test_one_text_is_one_text_however_its_lines_end(tmp_path: Path) -> None:
    found = []
    for name, content in (("a", PLAY.encode()), ("b", PLAY.replace("\n", "\r\n").encode())):
        (tmp_path / name).write_bytes(content)
        digest = sha256(content).hexdigest()
        source = TinyShakespeare(path=str(tmp_path / name), sha256=digest.upper())
        found.append((source.evaluation_fingerprint, contents(source.text().training)))
        assert bool(source.remarks) is (name == "b")
    assert found[0] == found[1]


def test_a_file_that_is_edited_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    path.write_text(PLAY, encoding="utf-8")
    source = TinyShakespeare(path=str(path), sha256=sha256(PLAY.encode()).hexdigest())
    assert source.text_fingerprint
    path.write_text(PLAY + "more", encoding="utf-8")
    with pytest.raises(AuditionError, match=r"set data\.sha256 if this text is meant"):
        _ = source.text_fingerprint

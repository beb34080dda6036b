"""The standard library's source as a corpus."""

from audition.data.stdlib import EVERY, StandardLibrary, _files
from audition.data.text import contents


def test_source_files_without_tests() -> None:
    names = [name for name, _ in _files()]
    assert {"argparse.py", "json/decoder.py"} <= set(names)
    assert names == sorted(names)
    forbidden = {"test", "tests", "site-packages", "__pycache__"}
    assert not [name for name in names if forbidden & set(name.split("/"))]


def test_every_tenth_file_validates() -> None:
    text = StandardLibrary().text()
    names = sorted(d.name for d in (*text.training, *text.validation))
    assert [d.name for d in text.validation] == names[::EVERY]
    assert not {d.name for d in text.training} & {d.name for d in text.validation}
    assert sum(map(len, contents(text.training))) > 4_000_000

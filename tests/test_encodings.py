"""Every text file that the code opens is UTF-8, whatever the locale of the machine says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for room in ("src", "scripts") for path in (ROOT / room).rglob("*.py"))
TEXT = {"read_text": 0, "write_text": 1}
"""Method of a path -> the place of its `encoding` among the positional arguments."""
OPENS = {"open", "NamedTemporaryFile", "TemporaryFile", "fdopen"}
OURS = {"view.open"}
"""Methods of our own values that are named so and take nothing."""
RUNS = {"run", "Popen", "check_output", "check_call"}


def unspoken(source: str) -> Iterator[int]:
    """The lines of `source` where text is read or written in the locale's encoding."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        call = ast.unparse(node.func)
        name = call.rpartition(".")[2]
        said = {keyword.arg: keyword.value for keyword in node.keywords}
        if "encoding" in said:
            continue
        if name in TEXT and len(node.args) <= TEXT[name]:
            yield node.lineno
        if name in OPENS and opens_text(call, node, said):
            yield node.lineno
        if name in RUNS and {"text", "universal_newlines"} & said.keys():
            yield node.lineno


def opens_text(call: str, node: ast.Call, said: dict[str | None, ast.expr]) -> bool:
    """Whether a call of something that is named like `open` opens a file, and as text."""
    places = [*node.args, *([said["mode"]] if "mode" in said else [])]
    values = (place.value for place in places if isinstance(place, ast.Constant))
    mode = next((str(v) for v in values if v and set(str(v)) <= set("rwxabt+")), "")
    if mode or call in ("open", "os.fdopen"):
        return "b" not in mode
    return call.endswith(".open") and not node.args and call not in OURS


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("path.read_text()", True),
        ("path.read_text('utf-8')", False),
        ("path.write_text(text)", True),
        ("path.write_text(text, encoding='utf-8')", False),
        ("open(path)", True),
        ("open(path, 'x')", True),
        ("open(path, 'wb')", False),
        ("path.open()", True),
        ("path.open('a', buffering=1)", True),
        ("path.open('ab+')", False),
        ("os.open(path, os.O_RDONLY)", False),
        ("TemporaryFile(dir=folder)", False),
        ("tempfile.TemporaryFile('w+')", True),
        ("subprocess.run(words, text=True)", True),
        ("subprocess.run(words, encoding='utf-8')", False),
        ("corpus.open(source, streams)", False),
    ],
)
def test_the_search_finds_what_it_should(line: str, found: bool) -> None:
    assert bool(list(unspoken(line))) is found


def test_every_file_is_opened_as_utf_8() -> None:
    assert len(FILES) > 100
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES
        for line in unspoken(path.read_text(encoding="utf-8"))
    ]
    assert found == []

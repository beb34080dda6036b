"""Every command that a message or a page tells is one that the commands' own parsers read."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import audition
from audition.cli.ledger import all_commands, read
from audition.cli.output_dir import split_output_dir
from audition.cli.typed import read_typed

SOURCE = Path(audition.__file__).parent
ROOT = SOURCE.parents[1]
NAMES = "|".join(command.name for command in all_commands())
TOLD = re.compile(
    rf"(?:`audition ([^`]*)`)|(?:\baudition ((?:{NAMES})\b(?: [A-Z]+\b| 1\b| --[\w-]+)*))"
)
"""A command in backticks, or one in running text with the words behind it that can be of it."""


def texts(tree: ast.Module) -> Iterator[str]:
    """The texts of a module that are no docstrings, with X for what is filled in."""
    nodes = list(ast.walk(tree))
    alone = {id(n.value) for n in nodes if isinstance(n, ast.Expr)}
    joined = {id(p) for n in nodes if isinstance(n, ast.JoinedStr) for p in n.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield filled(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from [node.value] if id(node) not in alone | joined else []


def filled(node: ast.expr) -> str:
    """A text with X for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(filled(part) for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "1"


def calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def told() -> Iterator[tuple[str, str]]:
    """File and words, of every `audition` command in messages."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "audition " not in text and "audition_command" not in text:
            continue
        tree = ast.parse(text)
        where = path.relative_to(SOURCE).as_posix()
        for text in texts(tree):
            for found in TOLD.finditer(text):
                yield where, (found[1] or found[2]).strip()
        for call in calls(tree, "audition_command"):
            if not isinstance(call.args[0], ast.Name):
                yield where, filled(call.args[0])


def pages() -> Iterator[tuple[str, str]]:
    """File and line, of every command in the code of the pages."""
    for path in sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]):
        for block in re.findall(r"```bash\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                line = re.sub(r"\$\(.*?\)", "1", line)
                if line.startswith(("audition ", "python -m src.train")) and "..." not in line:
                    yield path.name, line.strip()


LINES = sorted(set(pages()))


def test_what_a_message_tells_is_read(tmp_path: Path) -> None:
    """All of them in one test: to find them is to parse every source, which no worker repeats."""
    messages = sorted(set(told()))
    named = {words.split()[0] for _, words in messages}
    assert {"bench", "status", "collect", "cancel", "power", "report", "watch"} <= named
    assert len(LINES) > 30
    for where, words in messages:
        try:
            understood(words, tmp_path)
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{where} tells `audition {words}`") from error


@pytest.mark.parametrize(("where", "line"), LINES, ids=str)
def test_what_a_page_tells_is_read(where: str, line: str, tmp_path: Path) -> None:
    words = shlex.split(line, comments=True)
    rest = words[3:] if words[0] == "python" else words[1:]
    if words[0] == "python" or rest[:1] == ["train"]:
        read_typed([word for word in rest if word != "train"])
    else:
        understood(shlex.join(rest), tmp_path)


def understood(line: str, root: Path) -> None:
    words = [re.sub(r"^X?$", "1", word) for word in shlex.split(line)]
    words = ["1" if word in ("N", "X", "S", "P") else word for word in words]
    _, rest = split_output_dir(words)
    if rest[:1] == ["train"]:
        read_typed(rest[1:])
    elif rest and rest[0] != "--help":
        assert read([*rest, "--output-dir", str(root)]).command.name == rest[0]

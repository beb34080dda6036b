"""Every command that a page types is one that there is, with members that there are."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from audition.cli.ledger import main
from audition.config.members import names, shelves

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
OWN = {tuple(found) for found in re.findall(r"conf/([\w/]+)/(\w+)\.yaml", TEXT)}
"""Group and name of the members that the pages tell how to write, and of those that there are."""


def typed() -> Iterator[list[str]]:
    """The words of every line of the pages' bash blocks."""
    for block in re.findall(r"^```bash\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def test_every_command_of_audition_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"^ {2,6}([a-z]+)\b", capsys.readouterr().out, re.MULTILINE))
    asked = {w[i + 1] for w in typed() for i, word in enumerate(w[:-1]) if word == "audition"}
    asked -= {word for word in asked if not word.isalpha()}
    assert {"verdict", "train", "new"} <= asked
    assert asked <= known


def test_every_member_is_one() -> None:
    found, groups, known = 0, shelves(), cache(names)
    for words in typed():
        for word in words:
            group, _, value = word.lstrip("+").partition("=")
            if group not in groups or not re.fullmatch(r"[\w,\[\]]+", value):
                continue
            for name in filter(None, re.split(r"[,\[\]]", value)):
                found += 1
                assert name in known(group) or (group, name) in OWN, " ".join(words)
    assert found > 50

"""The tutorial as a newcomer types it: every command in turn, in one folder, on fewer tokens."""

import os
import re
import shlex
from pathlib import Path

import pytest
from warm import Warm

PAGE = (Path(__file__).parents[1] / "docs/tutorial.md").read_text(encoding="utf-8")
FEWER = ("budget.tokens=300_000", "budget.tokens=4_000")
ANSWER = re.compile(r"^(\S+): (supported|refuted|inconclusive)", re.MULTILINE)


def commands() -> list[list[str]]:
    """The words of every command of Audition that the page types, in order."""
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    words = [shlex.split(line.replace(*FEWER), comments=True) for line in lines]
    return [each for each in words if each[:1] == ["audition"]]


def own_line(folder: Path) -> None:
    """Put the lines that the page shows in the place of the last one of the file that it names."""
    (file,) = set(re.findall(r"`(mylab/\w+\.py)`", PAGE))
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    signature, _, _ = shown.partition("\n")
    text = (folder / file).read_text(encoding="utf-8")
    assert signature in text
    assert text.rstrip().endswith("return updates, state")
    before, _, _ = text.rpartition(signature)
    (folder / file).write_text(before + shown, encoding="utf-8")


def test_it_holds_the_whole_way() -> None:
    asked = [words[1] for words in commands()]
    assert asked[:2] == ["train", "new"]
    assert [*dict.fromkeys(asked)] == ["train", "new", "confirm", "curves", "report"]
    assert "budget.tokens=300_000" in PAGE


@pytest.mark.slow
def test_every_command_works_from_the_ones_before_it(warm: Warm, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    judged = 0
    for words in commands():
        ended = warm.run(*words, cwd=tmp_path, env=env)
        assert ended.returncode == 0, f"{shlex.join(words)}\n{ended.stderr}"
        if words[1] == "new":
            own_line(tmp_path)
        judged += len(ANSWER.findall(ended.stdout))
    assert judged >= 4
    assert (tmp_path / "confirmed/report").is_dir()
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")

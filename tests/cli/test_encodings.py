"""Terminals and locales that lack our signs: every command prints something near, and none ends."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import SWEEP

OTHERS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    # What LC_ALL=en_US.ISO-8859-1 is to Python: neither files nor streams are UTF-8 by default.
    "no UTF-8 locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
NO_UTF_8 = "no UTF-8 locale"
END = "-- that was it --\n"
ONE_BY_ONE = f"""
import json, sys
from audition.cli.ledger import main
for words in json.loads(sys.argv[1]):
    main(words)
    print({END!r}, end="")
"""
"""Several commands in one process, whose Python was started with the encoding."""


@pytest.fixture
def spoken(place: Any, finished: Path, tmp_path: Path) -> Any:
    """A ledger in a folder whose name no such encoding has, with one sweep in it."""
    place.output = tmp_path / "løgbuch 实"
    shutil.copytree(finished, place.output)
    return place


@pytest.mark.parametrize(
    ("encoding", "commands"),
    [
        ("ascii", ("runs", "verdict", "leaderboard", "status", "watch")),
        ("latin-1", ("verdict",)),
        (NO_UTF_8, ("report",)),
    ],
)
def test_a_command_prints_in_any_encoding(
    spoken: Any, encoding: str, commands: tuple[str, ...]
) -> None:
    before = {command: spoken.read(command).stdout for command in commands}
    assert any(not shown.isascii() for shown in before.values())
    spoken.environment = OTHERS[encoding]
    lines = [[command, "--output-dir", str(spoken.output)] for command in commands]
    ended = spoken.run([sys.executable, "-c", ONE_BY_ONE, json.dumps(lines, ensure_ascii=False)])
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = ended.stdout.split(END)[:-1]
    counts = [len(text.splitlines()) for text in before.values()]
    assert [len(text.splitlines()) for text in shown] == counts


WORDS = ("+logger.chatty._target_=chatty.Chatty", "allowed_targets=[audition.,tally.,chatty.]")


@pytest.fixture
def unspoken(place: Any, tmp_path: Path) -> Any:
    """A place without UTF-8, whose runs print signs."""
    (tmp_path / "chatty.py").write_text(
        "from audition.observers.observer import Observer\n\n\n"
        "class Chatty(Observer):\n"
        "    def __init__(self, folder) -> None:\n"
        "        print('ε = ½ 实')\n",
        encoding="utf-8",
    )
    modules = os.pathsep.join((str(tmp_path), str(place.modules)))
    place.environment = {**OTHERS[NO_UTF_8], "PYTHONPATH": modules}
    place.output = tmp_path / "løgbuch 实"
    return place


def test_a_run_needs_no_utf_8_locale(unspoken: Any) -> None:
    alone = unspoken.train(*WORDS, "seed=7")
    assert alone.returncode == 0, alone.stderr
    assert "epsilon = \\xbd \\u5b9e" in alone.stdout
    # Its files are what a machine with UTF-8 reads.
    unspoken.environment = {}
    assert "in the ledger already" in unspoken.train("seed=7").stderr
    for path in Path(unspoken.output).rglob("*.yaml"):
        path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_sweep_and_what_it_prints_need_no_utf_8_locale(unspoken: Any) -> None:
    place = unspoken
    ended = place.train(*WORDS, *SWEEP)
    assert ended.returncode == 0, ended.stderr
    assert "improvement" in ended.stdout
    assert ended.stdout.isascii()
    log = next(place.output.glob("runs/*/*/*/run.log"))
    assert "ε = ½ 实" in log.read_text(encoding="utf-8")
    place.environment = {}
    again = place.train(*SWEEP)
    assert "4 in the ledger, 0 to train" in again.stderr


def test_a_config_in_another_encoding_is_one_sentence(mistake: Any, tmp_path: Path) -> None:
    (tmp_path / "idea").mkdir()
    text = "# @package _global_\n# café\nideas: {x: {_target_: audition.ideas.placebo.Placebo}}\n"
    (tmp_path / "idea" / "mine.yaml").write_bytes(text.encode("latin-1"))
    said = mistake("--config-dir", str(tmp_path), "+idea=mine", "seed=1")
    assert "not text in UTF-8: byte 0xe9 at position 25" in said

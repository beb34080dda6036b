"""The cache: made once, whole or not at all, and made again when it is not what it should be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from audition.data.cache import cached
from audition.errors import AuditionError


class Maker:
    """Counts how often it is asked to fill a folder."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "ids.npy").write_bytes(bytes(range(256)) * 8)


def test_it_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    folders = {cached(tmp_path, "key", make) for _ in range(3)}
    assert (folders, make.calls) == ({tmp_path / "key"}, 1)
    cached(tmp_path, "other", make)
    assert make.calls == 2


def _truncate(folder: Path) -> None:
    os.truncate(folder / "ids.npy", 100)


def _same_size(folder: Path) -> None:
    (folder / "ids.npy").write_bytes(bytes(256 * 8))


def _remove(folder: Path) -> None:
    (folder / "ids.npy").unlink()


def _other_key(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"key": "foreign"}))


def _no_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("[")


@pytest.mark.parametrize("damage", [_truncate, _same_size, _remove, _other_key, _no_json])
def test_a_damaged_folder_is_made_again(tmp_path: Path, damage) -> None:
    make = Maker()
    damage(cached(tmp_path, "key", make))
    assert (cached(tmp_path, "key", make) / "ids.npy").read_bytes() == bytes(range(256)) * 8
    assert make.calls == 2


def test_a_file_in_the_folders_place_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a folder")
    assert (cached(tmp_path, "key", Maker()) / "ids.npy").exists()


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise AuditionError("too large")

    with pytest.raises(AuditionError, match="too large"):
        cached(tmp_path, "key", fail)
    assert [p.name for p in tmp_path.iterdir()] in ([], ["key.lock"])


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditionError, match=r"paths\.cache_dir=.*file/cache cannot be written: "):
        cached(tmp_path / "file" / "cache", "key", Maker())


PROCESS = """
import sys, time
from pathlib import Path
from audition.data.cache import cached

def make(folder):
    with open(Path(sys.argv[1]) / "made", "a") as log:
        log.write("x")
    time.sleep(0.3)
    (folder / "ids").write_text("whole")

print((cached(Path(sys.argv[1]) / "cache", "key", make) / "ids").read_text())
"""


def test_of_processes_that_start_together_one_makes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [p.communicate(timeout=60)[0] for p in processes] == ["whole\n"] * 3
    assert (tmp_path / "made").read_text() == "x"

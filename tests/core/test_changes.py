"""What no commit has of a package's code: its own paths, bounded, from its own repository."""

import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from audition import changes as room
from audition.changes import changes


def git(folder: Path, *words: str) -> str:
    """A git that no configuration of this machine's user disturbs."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment = {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(
        command, check=True, capture_output=True, encoding="utf-8", env=environment
    ).stdout.strip()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package in a repository that has much else, all of it committed."""
    package = tmp_path / "repository" / "src" / "mylab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("A = 1\n")
    (tmp_path / "repository" / "data.txt").write_text("x\n" * 1000)
    git(tmp_path / "repository", "init", "-q")
    git(tmp_path / "repository", "add", "-A")
    git(tmp_path / "repository", "commit", "-qm", "all")
    return package


def test_a_clean_package_has_a_commit_and_no_diff(package: Path) -> None:
    (package.parents[1] / "data.txt").write_text("another user's work\n" * 1000)
    (package.parents[1] / "new.txt").write_text("new")
    found = changes([package])
    assert found is not None
    assert (found.diff, found.untracked, found.more) == (None, (), 0)
    assert found.sha == git(package, "rev-parse", "HEAD")


def test_of_a_package_its_own_changes_are_kept(package: Path) -> None:
    (package.parents[1] / "data.txt").write_text("another user's work\n" * 1000)
    (package / "__init__.py").write_text("A = 2\n")
    (package / "idea.py").write_text("B = 1\n")
    found = changes([package, package / "absent"])
    assert found is not None
    assert found.diff is not None
    assert found.diff.whole
    assert b"+A = 2" in found.diff.text
    assert b"another" not in found.diff.text
    assert found.diff.digest == sha256(found.diff.text).hexdigest()
    assert [Path(name).name for name in found.untracked] == ["idea.py"]


def test_a_long_diff_is_cut_and_its_digest_is_of_the_whole(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package / "__init__.py").write_text("A = 2\n" * 5000)
    for number in range(7):
        (package / f"idea{number}.py").touch()
    whole = changes([package])
    monkeypatch.setattr(room, "MOST", 1000)
    monkeypatch.setattr(room, "NAMES", 3)
    cut = changes([package])
    assert whole is not None
    assert cut is not None
    assert whole.diff is not None
    assert cut.diff is not None
    assert cut.diff.text == whole.diff.text[:1000]
    assert not cut.diff.whole
    assert (cut.diff.digest, cut.diff.size) == (whole.diff.digest, whole.diff.size)
    assert (len(cut.untracked), cut.more, whole.more) == (3, 4, 0)


def test_a_repository_around_an_installed_package_says_nothing(package: Path) -> None:
    installed = package.parents[1] / ".venv" / "lib" / "mylab"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("A = 1\n")
    assert changes([installed]) is None


def test_without_a_repository_or_without_git_there_is_nothing(
    tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changes([tmp_path]) is None
    assert changes([tmp_path / "absent"]) is None
    # A hook points git at the repository that it was called for.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert changes([package]) is not None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert changes([package]) is None

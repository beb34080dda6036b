"""Where the code of a sweep's runs comes from: kept once, small in every run, whoever makes them."""

import json
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audition.changes import Changes, Diff
from audition.sweep import code_provenance as room
from audition.sweep.code_provenance import code_provenance, places


def state(text: bytes, size: int | None = None) -> Changes:
    digest = sha256(text).hexdigest()
    diff = Diff(text=text, size=size or len(text), lines=text.count(b"\n"), digest=digest)
    return Changes(sha="c0ffee", diff=diff, untracked=("a.py",), more=2)


def runs_in(root: Path, *targets: str) -> list[Any]:
    settings = {"paths": {"output_dir": str(root)}, "allowed_targets": list(targets)}
    return [SimpleNamespace(settings=settings)] * 3


def test_a_diff_is_one_file_and_the_runs_refer_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b"+ a line\n" * 20_000
    monkeypatch.setattr(room, "changes", lambda paths: state(text))
    found = [code_provenance(runs_in(tmp_path, "audition.")) for _ in range(2)]
    assert found[0]["git"] == found[1]["git"]
    (file,) = (tmp_path / "provenance").iterdir()
    assert file.read_bytes() == text
    (of,) = found[0]["git"].values()
    assert of["diff"]["file"] == f"provenance/{file.name}"
    assert of["diff"]["sha256"] == sha256(text).hexdigest()
    assert of["untracked"] == ["a.py", "and 2 more"]
    assert len(json.dumps(found[0])) < 3000


def test_what_was_cut_is_said_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "changes", lambda paths: state(b"+ a line\n", 5_000_000))
    facts = code_provenance(runs_in(tmp_path, "audition."))["git"]["audition"]["diff"]
    assert facts["kept_bytes"] == 9
    text = (tmp_path / facts["file"]).read_text(encoding="utf-8")
    assert text.endswith(f"[cut here: 5,000,000 bytes in all, 1 lines, sha256 {facts['sha256']}]\n")


def test_a_full_disk_costs_the_file_and_not_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(room, "changes", lambda paths: state(b"+x\n"))
    monkeypatch.setattr(room, "write_whole", full)
    facts = code_provenance(runs_in(tmp_path, "audition."))["git"]["audition"]["diff"]
    assert set(facts) == {"sha256", "bytes", "lines"}
    said = capsys.readouterr().err
    assert said.startswith(f"audition: cannot keep the diff of the code in {tmp_path}")
    assert said.count("\n") == 1


def test_every_package_that_a_run_may_name_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(room, "changes", lambda paths: asked.append(paths))
    facts = code_provenance(
        runs_in(tmp_path, "audition.", "json.", "nowhere_at_all.", "not/a/name.")
    )
    assert facts["git"] == {}
    assert asked == [places("audition"), places("json")]
    folders = {path.name for path in places("audition")}
    assert folders == {"audition", "hydra_plugins", "conf"}
    assert not (tmp_path / "provenance").exists()

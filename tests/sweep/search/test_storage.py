"""Where studies lie: what cannot be reached or is another's is one sentence; a real PostgreSQL."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from study_servers import serve, states, study_at, trained
from warm import PATIENCE_S, Warm

from audition.errors import AuditionError
from audition.sweep.search.study.serving import serving
from audition.sweep.search.study.storage import close, open_storage, prepare_optuna

ASKED = {"objectives": ["val_loss"], "space": {}}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "postgresql://me:secret@127.0.0.1:1/none",
            "postgresql://127.0.0.1:1/none cannot be reached",
        ),
        (
            "postgresql://me:a@secret/b@127.0.0.1:1/none",
            "storage=postgresql://127.0.0.1:1/none has @, / or . in its user or password: write %40",
        ),
        ("postgresql://me:a?secret@127.0.0.1:1/none", "storage=postgresql://… has @"),
        (
            "postgresql://127.0.0.1:1/none?user=me&password=secret",
            "postgresql://127.0.0.1:1/none cannot be reached",
        ),
        ("postgresql://me:secret@host:port/none", "postgresql://host:port/none cannot be reached"),
        ("mongo://me:secret@host/x", "storage=mongo://host/x is no storage"),
    ],
)
def test_a_storage_that_is_none_is_named_without_its_password(
    tmp_path: Path, url: str, said: str
) -> None:
    prepare_optuna()
    with pytest.raises(AuditionError, match=said) as caught:
        open_storage(url, tmp_path / "x.log")
    assert "secret" not in str(caught.value)


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    prepare_optuna()
    (tmp_path / "studies").write_text("a file")
    with pytest.raises(AuditionError, match=r"journal .* cannot be used"):
        open_storage(None, tmp_path / "studies" / "x.log")


def test_a_journal_is_on_the_disk_when_a_trial_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_optuna()
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    storage = open_storage(None, tmp_path / "x.log")
    study = optuna.create_study(storage=storage, study_name="x")
    for number in range(3):
        trial = study.ask()
        trial.set_user_attr("server", "here")
        trial.report(trial.suggest_float("lr", 0.1, 1.0), step=0)
        assert len(flushed) == number
        study.tell(trial, 1.0)
    assert len(flushed) == 3


def test_a_line_that_was_cut_short_is_no_end_of_a_study(tmp_path: Path) -> None:
    prepare_optuna()
    journal = tmp_path / "x.log"
    study = optuna.create_study(storage=open_storage(None, journal), study_name="x")
    study.tell(study.ask(), 1.0)
    whole = journal.read_bytes()
    study.tell(study.ask(), 2.0)
    journal.write_bytes(whole + journal.read_bytes()[len(whole) :][:30])
    for ended in (1, 2):
        study = optuna.load_study(storage=open_storage(None, journal), study_name="x")
        assert [t.state.name for t in study.trials] == ["COMPLETE"] * ended
        study.tell(study.ask(), 3.0)


@pytest.mark.parametrize(
    ("directions", "trials", "said"),
    [
        (["maximize"], 0, r"has other objectives \(maximize\) than val_loss made small"),
        (["minimize", "minimize"], 0, "has other objectives"),
        (["minimize"], 1, "was made by another program"),
    ],
)
def test_a_study_that_is_anothers(
    tmp_path: Path, directions: list[str], trials: int, said: str
) -> None:
    prepare_optuna()
    storage = open_storage(None, tmp_path / "x.log")
    study = optuna.create_study(storage=storage, study_name="x", directions=directions)
    for _ in range(trials):
        study.ask()
    with (
        pytest.raises(AuditionError, match=said),
        serving(storage, tmp_path / "servers", "x", ASKED, 3),
    ):
        pass


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URL of a server of its own; skipped, with the reason, where Debian's is not installed."""
    if (binaries := _binaries()) is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="audition-postgres-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = "nobody" if os.getuid() == 0 else None  # the server refuses to be root's
    if user:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, capture_output=True, timeout=60)

    data, control = str(folder / "data"), str(binaries / "pg_ctl")
    run(str(binaries / "initdb"), "-D", data, "-U", "me", "--auth=trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(control, "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql://me@127.0.0.1:{port}/postgres"
    finally:
        run(control, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_two_processes_serve_one_study_in_postgres(
    tmp_path: Path, cache_dir: str, warm: Warm, postgres: str
) -> None:
    both = [serve(warm, tmp_path, cache_dir, 6, 0.3, postgres, together=2) for _ in range(2)]
    for process in both:
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said
    study = study_at(tmp_path, postgres)
    try:
        assert states(study) == {"COMPLETE": 6}
        assert [t.user_attrs["typed"] for t in study.trials if "typed" in t.user_attrs] == [[]]
        assert len({t.user_attrs["server"] for t in study.trials}) == 2
    finally:
        close(study._storage._backend)
    assert set(trained(tmp_path).values()) == {1}

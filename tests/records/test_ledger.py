"""The store: whole files or none, nothing foreign lost, and one writer a run."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.plain_file import write_whole
from audition.records import claim as room
from audition.records.claim import Busy
from audition.records.record import Record
from audition.records.store import Ledger


def record(seed: int = 1, **facts: object) -> Record:
    begun = Record(
        key=f"key{seed}",
        config_hash="c0ffee",
        baseline_hash="c0ffee",
        arm="baseline",
        ideas=(),
        seed=seed,
        status="finished",
        metrics={"val_loss": 1.5},
    )
    return begun.ended("finished", **facts)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "deep" / "ledger")


def test_what_is_written_is_read(ledger: Ledger) -> None:
    folder = ledger.write(record())
    assert folder == ledger.root / "runs/baseline/c0ffee/seed_1"
    ledger.write(record(2))
    contents = ledger.read()
    assert contents.records == (record(1), record(2))
    assert contents.unreadable == ()
    assert contents.settled().keys() == {"key1", "key2"}
    assert ledger.get(folder) == record(1)


def test_records_are_in_the_order_of_their_seeds_as_numbers(ledger: Ledger) -> None:
    for seed in (1024, 137, 42):
        ledger.write(record(seed))
    assert [each.seed for each in ledger.read().records] == [42, 137, 1024]


def test_an_empty_ledger_is_empty(ledger: Ledger) -> None:
    assert ledger.read().records == ()
    assert ledger.get(ledger.root) is None


def test_a_later_record_takes_the_place_of_an_earlier_one(ledger: Ledger) -> None:
    folder = ledger.write(record().ended("running"))
    ledger.write(record())
    assert ledger.read().records == (record(),)
    assert [path.name for path in folder.iterdir()] == ["record.json"]


def test_a_write_that_breaks_off_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record.json"
    write_whole(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


NO_RECORDS = [
    (b'{"schema": 1, "key":', "is not complete JSON"),
    (b'{"loss": 1}', "was not written by Audition"),
    (b'{"schema": 0}', "has schema 0, and this version reads 1"),
    (b"\xff\xfe\x00", "cannot be read"),
]


@pytest.mark.parametrize(("content", "why"), NO_RECORDS)
def test_a_file_that_is_no_record_is_listed_and_kept(
    ledger: Ledger, content: bytes, why: str
) -> None:
    ledger.write(record(2))
    folder = ledger.write(record(1))
    for _ in range(2):  # a second one does not take the first one's place
        (folder / "record.json").write_bytes(content)
        contents = ledger.read()
        assert contents.records == (record(2),)
        assert "key1" not in contents.settled()
        (unreadable,) = contents.unreadable
        assert str(unreadable).startswith(f"{folder / 'record.json'} {why}")
        assert ledger.get(folder) is None
        ledger.write(record(1))
    assert ledger.read().records == (record(1), record(2))
    for name in ("record.json.unreadable", "record.json.unreadable.2"):
        assert (folder / name).read_bytes() == content


def test_a_folder_in_the_place_of_a_record_is_moved_aside(ledger: Ledger) -> None:
    (ledger.folder_of(record()) / "record.json").mkdir(parents=True)
    assert "a folder in the place of a file" in str(ledger.read().unreadable[0])
    ledger.write(record())
    assert ledger.read().records == (record(),)


def test_a_link_to_itself_hides_no_run(ledger: Ledger) -> None:
    folder = ledger.write(record())
    for place in (folder, folder.parent, folder.parent.parent):
        (place.parent / "loop").symlink_to("loop")
    assert ledger.read().records == (record(),)
    assert ledger.read().unreadable == ()


def test_stray_files_are_passed_over(ledger: Ledger) -> None:
    folder = ledger.write(record())
    for stray in (ledger.root / "runs" / "notes.txt", folder.parent / "x", folder / "y"):
        stray.write_text("?")
    (ledger.root / "runs" / "empty" / "arm").mkdir(parents=True)
    assert ledger.read().records == (record(),)


def test_a_run_has_one_writer_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert not ledger.claimed(tmp_path)
    code = (
        "import sys; from pathlib import Path; from audition.records.store import Ledger\n"
        "with Ledger(Path('.')).claim(Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert ledger.claimed(tmp_path)
        with pytest.raises(Busy), ledger.claim(tmp_path):
            pass
        holder.kill()
    assert not ledger.claimed(tmp_path)
    with ledger.claim(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ledger = Ledger(tmp_path / "file" / "ledger")
    for write in (
        lambda: ledger.write(record()),
        lambda: ledger.claim(ledger.folder_of(record())).__enter__(),
        ledger.check_writable,
    ):
        with pytest.raises(AuditionError, match=rf"{tmp_path}/file/ledger.*: Not a directory"):
            write()


def test_checking_leaves_nothing_behind(ledger: Ledger) -> None:
    ledger.check_writable()
    assert list((ledger.root / "runs").iterdir()) == []


def test_a_disk_that_is_read_only_or_full_is_one_sentence_and_no_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def __init__(self, path: Path, mode: str = "r", encoding: str | None = None) -> None:
            self.file = path.open(mode, encoding=encoding)
            if mode == "x":
                self.file.write = self.fail  # type: ignore[method-assign]

        def fail(self, text: str) -> int:
            raise OSError(28, "No space left on device")

        def __enter__(self) -> Any:
            return self.file

        def __exit__(self, *error: object) -> None:
            self.file.close()

    def read_only(path: Path, mode: str = "r", encoding: str | None = None) -> Any:
        raise OSError(30, "Read-only file system", str(path))

    for opens, why in ((Full, "No space left on device"), (read_only, "Read-only file system")):
        monkeypatch.setattr(room, "open", opens, raising=False)
        with pytest.raises(AuditionError, match=f"^cannot write in {tmp_path}: {why}$"):
            Ledger(tmp_path).claim(tmp_path).__enter__()
        assert not list(tmp_path.iterdir())


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE
    )
    return int(ended.stdout)


def test_the_part_of_a_killed_writer_goes_when_the_run_is_taken_up(
    tmp_path: Path, dead: int
) -> None:
    ledger = Ledger(tmp_path)
    folder = ledger.folder("idea", "hash", 1)
    folder.mkdir(parents=True)
    kept = ["record.json", "checkpoint.part", f".record.json.{os.getppid()}", ".hidden"]
    for name in (*kept, f".record.json.{dead}", f".config.yaml.{dead}"):
        (folder / name).write_text("{")
    with ledger.claim(folder):
        found = {path.name for path in folder.iterdir() if not path.name.startswith("claim.")}
        assert found == set(kept)


def test_parts_beside_the_runs_go_when_the_ledger_is_opened_for_writing(
    tmp_path: Path, dead: int
) -> None:
    old, new = tmp_path / "plans" / f".a.json.{dead}", tmp_path / "plans" / f".b.json.{dead}"
    copy = tmp_path / "code" / ".part-abc"
    (copy / "audition").mkdir(parents=True)
    old.parent.mkdir()
    whole = [old.with_name("a.json"), new]
    for path in (old, *whole):
        path.write_text("{")
    for path in (old, whole[0], copy):
        os.utime(path, (0, 0))
    Ledger(tmp_path).check_writable()
    assert sorted(old.parent.iterdir()) == sorted(whole)
    assert not copy.exists()

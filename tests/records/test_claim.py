"""Claims, between real processes: one holds, a dead one does not, and no clock is believed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audition.records import claim as room
from audition.records.claim import Busy, Heartbeat, held, take
from audition.records.owner import Owner

QUICK = Heartbeat(beat_s=0.2, patience_s=0.6)
"""For owners that live."""

BRIEF = Heartbeat(beat_s=0.02, patience_s=60.0)
"""Where there is none."""

HOLDER = """
import socket, sys, time
from pathlib import Path
from audition.records.claim import Busy, Heartbeat, take

folder, host, start = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
socket.gethostname = lambda: host or "here"
print("ready", flush=True)
time.sleep(max(0.0, start - time.time()))
try:
    claim = take(folder, Heartbeat(beat_s=0.2, patience_s=0.6))
except Busy:
    sys.exit("busy")
print("held", flush=True)
sys.stdin.readline()
try:
    claim.check(now=True)
except Busy:
    print("lost", flush=True)
claim.release()
"""

Holder = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    """Starts a process that takes a folder, and lets it go when it is written to."""
    begun = []

    def begin(host: str = "here", at: float = 0.0) -> Any:
        command = [sys.executable, "-c", HOLDER, str(tmp_path), host, str(at)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        begun.append(process)
        if not at:
            assert process.stdout is not None
            assert [process.stdout.readline() for _ in "12"] == ["ready\n", "held\n"]
        return process

    yield begin
    for process in begun:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "here")


def claims(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def leave(folder: Path, **facts: Any) -> Path:
    """A claim as a process left it that is no more."""
    path = folder / "claim.7"
    path.write_text(replace(Owner.here(), **facts).text())
    return path


def age(path: Path) -> None:
    """Let a claim's last beat have been twice as long ago as one that is dead is waited for."""
    then = path.stat().st_mtime - 2 * BRIEF.patience_s
    os.utime(path, (then, then))


GONE = {
    "ended": {"pid": 2**22 + 1},  # beyond the largest that Linux gives
    "its number was given again": {"start": 1},
}


@pytest.mark.parametrize("facts", [None, *GONE.values()], ids=["nobody", *GONE])
def test_of_many_that_start_at_once_exactly_one_holds(
    tmp_path: Path, holder: Holder, facts: dict[str, Any] | None
) -> None:
    if facts is not None:
        leave(tmp_path, **facts)
    at = time.time() + 0.6
    starters = [holder(at=at) for _ in range(6)]
    ends = []
    for process in starters:
        assert process.stdout is not None
        ends.append([process.stdout.readline() for _ in "12"][1])
    assert sorted(ends) == [""] * 5 + ["held\n"]
    assert claims(tmp_path) == ["claim.8" if facts else "claim.1"]


def test_the_dead_hold_nothing_collected_or_not(tmp_path: Path, holder: Holder) -> None:
    process = holder()
    assert held(tmp_path)
    with pytest.raises(Busy, match=f"held by process {process.pid} on here"):
        take(tmp_path)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its parent never collects it
    assert not held(tmp_path)
    take(tmp_path).release()
    assert claims(tmp_path) == []


def test_a_frozen_process_of_this_machine_keeps_its_claim(tmp_path: Path, holder: Holder) -> None:
    process = holder()
    process.send_signal(signal.SIGSTOP)
    time.sleep(2 * QUICK.patience_s)
    with pytest.raises(Busy):
        take(tmp_path, QUICK)


def test_elsewhere_the_beat_tells(tmp_path: Path, holder: Holder) -> None:
    process = holder("elsewhere")
    time.sleep(2 * QUICK.patience_s)  # longer than a dead one is believed to live
    assert held(tmp_path, QUICK)
    with pytest.raises(Busy, match="on elsewhere"):
        take(tmp_path, QUICK)
    process.send_signal(signal.SIGSTOP)
    time.sleep(QUICK.patience_s + QUICK.beat_s)
    assert not held(tmp_path, QUICK)
    ours = take(tmp_path, QUICK)
    process.send_signal(signal.SIGCONT)
    assert process.communicate("look\n")[0] == "lost\n"
    ours.check(now=True)  # the other, letting go, left ours alone
    assert claims(tmp_path) == ["claim.2"]
    ours.release()


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_servers_clock_that_jumps_costs_nobody_a_claim(
    tmp_path: Path, holder: Holder, jump_s: float
) -> None:
    """Seen from the new time, the last beat was long ago, or is yet to come."""
    process = holder("elsewhere")
    then = time.time() - jump_s
    os.utime(tmp_path / "claim.1", (then, then))
    with pytest.raises(Busy):
        take(tmp_path, QUICK)
    process.kill()
    process.communicate()
    os.utime(tmp_path / "claim.1", (then, then))
    take(tmp_path, QUICK).release()


def test_our_own_clock_is_not_asked(
    tmp_path: Path, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder("elsewhere")
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with pytest.raises(Busy):
        take(tmp_path, QUICK)


def test_after_a_start_of_the_machine_its_old_processes_are_judged_by_the_beat(
    tmp_path: Path,
) -> None:
    path = leave(tmp_path, boot="another")
    with pytest.raises(Busy):
        take(tmp_path, BRIEF)
    age(path)
    take(tmp_path, BRIEF).release()


@pytest.mark.parametrize("text", ["", '{"host": "he', "[]", '{"pid": 1}'])
def test_a_claim_that_was_cut_short_stands_while_it_is_fresh(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claim.1"
    path.write_text(text)
    with pytest.raises(Busy, match="a process that did not say"):
        take(tmp_path, BRIEF)
    age(path)
    take(tmp_path, BRIEF).release()


def test_a_claim_made_while_another_was_judged_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one saw a dead claim; by now it was taken over, let go, and taken from the start."""
    dead = leave(tmp_path, pid=GONE["ended"]["pid"])
    look, others = room._look, []

    def slow(path: Path) -> Any:
        seen = look(path)
        if not others:
            others.append(None)
            dead.unlink()
            others[0] = take(tmp_path, QUICK)
        return seen

    monkeypatch.setattr(room, "_look", slow)
    with pytest.raises(Busy, match="at the same time"):
        take(tmp_path, QUICK)
    assert claims(tmp_path) == ["claim.1"]
    others[0].check(now=True)
    others[0].release()


def test_a_number_that_was_given_again_is_not_the_old_owners(tmp_path: Path) -> None:
    old = take(tmp_path)
    (tmp_path / "claim.1").unlink()
    new = take(tmp_path)
    with pytest.raises(Busy, match="taken over"):
        old.check(now=True)
    old.release()
    new.check(now=True)
    new.release()


def test_looking_writes_nothing(tmp_path: Path, holder: Holder) -> None:
    holder()
    before = (tmp_path.stat().st_mtime_ns, claims(tmp_path))
    assert held(tmp_path)
    assert (tmp_path.stat().st_mtime_ns, claims(tmp_path)) == before

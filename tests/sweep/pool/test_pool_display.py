"""What a person reads, with a terminal and without."""

import io
import math
from pathlib import Path

import pytest

from audition.sweep.pool import Display, End, Job, display_for
from audition.sweep.pool.display import Row, outcome
from audition.sweep.pool.lines import PlainLines
from audition.sweep.pool.live import Live

JOBS = [
    Job(f"spectral_gate seed {seed}", "spectral_gate", {}, 300, Path("logs/x.log"), unit="tokens")
    for seed in range(4)
]


class Clock:
    """Stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_without_a_terminal() -> None:
    out, clock = io.StringIO(), Clock()
    lines = PlainLines(out, clock)
    lines.begin(JOBS, 2)
    assert lines.tick() == 30.0
    lines.started(JOBS[0])
    lines.started(JOBS[1])
    clock.now += 61.0
    lines.progress(JOBS[0], {"loss": 1.82129, "step": 300})
    lines.ended(JOBS[0], End(status="ok", seconds=61.0))
    lines.started(JOBS[2])
    lines.ended(JOBS[1], End(status="failed", seconds=61.0, reason="exited with code 3"))
    lines.started(JOBS[3])
    clock.now += 30.5
    lines.progress(JOBS[2], {"step": 150, "val_loss": 2.0, "loss": 1.7})
    lines.progress(JOBS[3], {"phase": "compiling"})
    assert lines.tick() == 30.0
    lines.ended(JOBS[3], End(status="busy", seconds=1.0, reason="another process holds this run"))
    lines.started(JOBS[3])
    lines.ended(JOBS[3], End(status="busy", seconds=1.0, reason="another process holds this run"))
    lines.note("stopping")
    lines.ended(JOBS[2], End(status="interrupted", seconds=30.5))
    lines.close()
    assert out.getvalue().splitlines() == [
        "[1/4] spectral_gate seed 0 finished in 61 s, training loss of one batch 1.8213,"
        " about 61 s left",
        "[2/4] spectral_gate seed 1 failed after 61 s: exited with code 3 (log: logs/x.log),"
        " about 61 s left",
        "[2/4] 92 s so far, about 30 s left: spectral_gate seed 2 step 150/300, validation loss"
        " 2.0000;"
        " spectral_gate seed 3 compiling",
        "[2/4] spectral_gate seed 3 waits: another process holds this run, about 61 s left",
        "[2/4] stopping",
        "[3/4] spectral_gate seed 2 interrupted after 30 s, about 61 s left",
    ]


def test_a_run_that_ends_is_told_by_its_held_out_loss() -> None:
    row = Row(JOBS[0], 0.0)
    row.progress.update({"loss": 1.9, "step": 300})
    ended = End(status="ok", seconds=61.0)
    assert outcome(row, ended) == "finished in 61 s, training loss of one batch 1.9000"
    row.progress.update({"val_loss": 1.82129, "val_bpb": 2.6})
    assert outcome(row, ended) == "finished in 61 s, validation loss 1.8213"
    row.progress.update({"loss": 1.2, "step": 310})
    assert row.loss_text() == "validation loss 1.8213"


def test_the_live_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "140")
    out = Terminal()
    shown = display_for(out)
    assert isinstance(shown, Live)
    shown.begin(JOBS, 2)
    shown.started(JOBS[0])
    shown.started(JOBS[1])
    shown.progress(JOBS[0], {"step": 120, "loss": 1.8213, "units_per_s": 123456.7})
    assert 0 < shown.tick() <= 0.25
    drawn = len(out.getvalue())
    shown.tick()
    assert len(out.getvalue()) == drawn, "drawn more than four times a second"
    for text in (
        "spectral_gate seed 0",
        "step 120/300",
        "training loss of one batch 1.8213",
        "123,457 tokens/s",
    ):
        assert text in out.getvalue()
    shown.ended(JOBS[0], End(status="ok", seconds=10.0))
    shown.ended(JOBS[1], End(status="failed", seconds=1.0, reason="exited with code [3]"))
    shown.close()
    assert "seed 1 failed after 1.0 s: exited with code [3]" in out.getvalue()
    end = out.getvalue()
    assert "1 finished" in end
    assert "1 failed" in end
    assert "2 left" in end


def test_the_choice_of_display(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(display_for(io.StringIO()), PlainLines)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(display_for(Terminal()), PlainLines)


def test_quiet_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    quiet = Display()
    quiet.begin(JOBS, 1)
    quiet.started(JOBS[0])
    quiet.progress(JOBS[0], {"step": 1})
    quiet.ended(JOBS[0], End(status="ok", seconds=1.0))
    quiet.note("psst")
    quiet.close()
    assert math.isinf(quiet.tick())
    assert capfd.readouterr() == ("", "")

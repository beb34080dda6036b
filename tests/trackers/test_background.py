"""Whatever a tracker does, the run goes on: it is told of it once, and waits no longer than it said."""

import os
import subprocess
import sys
import threading

import pytest
from tests.trackers.conftest import LINES

from audition.observers.metrics import Metrics
from audition.observers.watching import watching
from audition.trackers.background import BackgroundTracker, Patience
from audition.training.loop import train

SHORT = Patience(lines=2, seconds=0.05)


class Book:
    """A tracker that keeps what it is given; `fails` names the moment at which it raises."""

    def __init__(self, fails=""):
        self.fails, self.kept = fails, []

    def open(self, earlier):
        self._moment("open", list(earlier))
        return "not as asked" if self.fails == "note" else ""

    def write(self, line):
        self._moment("write", line)

    def close(self, status, facts):
        self._moment("close", status)

    def _moment(self, name, what):
        self.kept.append((name, what))
        if self.fails == name:
            raise RuntimeError("no\nmore")


def followed(book, lines=LINES, **settings):
    """What was said of a run of `lines` before it."""
    said = []
    behind = BackgroundTracker("logger=book", book, said.append, **settings)
    behind.begin([])
    for line in lines:
        behind.take(line)
    behind.end("finished")
    behind.end("failed")  # of no effect: it has ended
    return said


def test_it_is_given_everything_in_order():
    book = Book()
    assert followed(book) == []
    assert book.kept == [("open", []), *(("write", line) for line in LINES), ("close", "finished")]


@pytest.mark.parametrize(
    ("fails", "doing", "last"),
    [("open", "begin", "open"), ("write", "go on", "close"), ("close", "end", "close")],
)
def test_one_that_fails_is_said_once_and_closed(fails, doing, last):
    book = Book(fails)
    assert followed(book) == [
        f"logger=book could not {doing} (RuntimeError: no): it misses this run"
    ]
    assert book.kept[-1][0] == last


def test_what_it_has_to_say_is_passed_on():
    assert followed(Book("note")) == ["not as asked"]


class Stuck(Book):
    """Hangs at the moment that `fails` names, until `over`; what it imports may do so too."""

    def __init__(self, fails, over):
        super().__init__(fails)
        self.over = over

    def _moment(self, name, what):
        self.kept.append((name, what))
        if self.fails == name:
            self.over.wait()


@pytest.fixture
def over():
    """Ends the hanging, when the test is done."""
    event = threading.Event()
    yield event
    event.set()


LEFT = "logger=book was not done 0.05 s after the run: it was left"
DROPPED = "logger=book is too slow: it does not have every line of metrics.jsonl"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("open", [DROPPED, LEFT]), ("write", [DROPPED, LEFT]), ("close", [LEFT])],
)
def test_one_that_hangs_is_left_and_what_it_could_not_take_is_dropped(over, moment, expected):
    lines = LINES[:2] if moment == "close" else LINES
    assert followed(Stuck(moment, over), lines, patience=SHORT) == expected
    assert followed(Book()) == []  # the next run's


def test_one_that_hangs_neither_slows_a_run_nor_changes_it(
    job_of, trained, weights_of, differences, tmp_path, over
):
    said = []
    copies = [
        BackgroundTracker(k, Stuck(k, over), said.append, SHORT) for k in ("open", "write", "close")
    ]
    watched = train(job_of(), [Metrics(tmp_path, copies, every=1)])
    assert not differences(weights_of(watched), weights_of(trained()))
    assert {word.split()[0] for word in said} == {"open", "write", "close"}


@pytest.mark.parametrize("moment", ["open", "write", "close"])
def test_one_that_hangs_does_not_keep_a_process_from_ending(moment):
    ran = subprocess.run(
        [sys.executable, "-c", ENDS, moment],
        env={**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout) == (0, "left\n"), ran.stderr


ENDS = """
import sys, threading
from audition.trackers.background import BackgroundTracker, Patience
def hang(*given): threading.Event().wait()
class Tracker:
    open = write = close = staticmethod(lambda *given: "")
setattr(Tracker, sys.argv[1], staticmethod(hang))
behind = BackgroundTracker("it", Tracker(), lambda text: print("left"), Patience(seconds=0.05))
behind.begin()
behind.take({"step": 1, "tokens": 1})
behind.end("finished")
"""


def test_a_run_that_raises_closes_its_trackers(job_of, tmp_path, monkeypatch):
    book = Book()
    monkeypatch.setattr("audition.observers.watching.factory", lambda node: lambda folder: book)

    def broken(step):
        raise RuntimeError("the run's own")

    def run():
        with watching({"book": {}}, tmp_path, print) as trackers:
            metrics = Metrics(tmp_path, trackers.copies, every=1)
            try:
                train(job_of(), [metrics], interrupted=lambda step: step == 3 and broken(step))
            finally:
                metrics.file.close()

    with pytest.raises(RuntimeError, match="own"):
        run()
    assert book.kept[-1] == ("close", "failed")
    assert (
        len([name for name, _ in book.kept if name == "write"]) == 4
    )  # three steps, one evaluation


def test_a_run_is_the_same_whatever_watches_it(job_of, trained, weights_of, differences, tmp_path):
    said = []
    copies = [
        BackgroundTracker(f"logger={k}", Book(fails), said.append)
        for k, fails in enumerate(("", "write"))
    ]
    watched = train(job_of(), [Metrics(tmp_path, copies, every=1)])
    assert not differences(weights_of(watched), weights_of(trained()))
    assert len(said) == 1

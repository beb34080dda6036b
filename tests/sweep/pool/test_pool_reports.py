"""Progress on its way to the parent: never in the way of training."""

import math

from audition.sweep.pool.child import Reporter
from audition.sweep.pool.wire import collect, datagrams


def test_reports_are_thinned_and_none_of_the_last_values_is_lost() -> None:
    reader, writer = datagrams()
    with reader, writer:
        reporter = Reporter(writer, 7)
        for step in range(1000):
            reporter({"step": step})
        reporter({"phase": "evaluating"})
        first, second, *more = collect(reader)
        assert first == {"ticket": 7, "progress": {"step": 0}}
        assert second == {"ticket": 7, "progress": {"step": 999, "phase": "evaluating"}}
        assert len(more) == 0
        reporter({"loss": math.nan})
        reporter.close("raised ValueError: no")
        last, word = collect(reader)
        assert math.isnan(last["progress"]["loss"])
        assert word == {"ticket": 7, "word": "raised ValueError: no"}


def test_a_report_never_waits_for_a_parent_that_does_not_read() -> None:
    reader, writer = datagrams()
    with reader, writer:
        reporter = Reporter(writer, 1)
        for step in range(20_000):
            reporter({"phase": step})  # each is due at once, and nobody reads
        assert len(collect(reader)) < 20_000
        reporter({"phase": "over"})
        assert collect(reader)[-1]["progress"] == {"phase": "over"}


def test_a_report_to_nobody_is_lost() -> None:
    reader, writer = datagrams()
    reader.close()
    with writer:
        reporter = Reporter(writer, 1)
        reporter({"step": 1})
        reporter.close("raised ValueError: no")

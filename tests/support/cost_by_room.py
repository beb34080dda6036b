"""CPU seconds of the tests by room and by file, printed at the end: what the budget of CI is spent on.

Counted are the test's process, the processes that it waits for, and commands of `warm`. Jobs of a
Slurm and whatever else outlives its test are not.
"""

import os
from collections import Counter
from typing import Any

import pytest
from warm import Warm

FILES = 12
"""So many files are named, the dearest of them."""


def spent() -> float:
    """CPU seconds of this process so far, and of what it has waited for."""
    return sum(os.times()[:4]) + Warm.spent


class CostByRoom:
    """A plugin of pytest, with and without pytest-xdist."""

    def __init__(self) -> None:
        self._until = 0.0
        self._files: Counter[str] = Counter()
        self._tests: Counter[str] = Counter()
        self._workers = 0.0

    def pytest_collection_finish(self) -> None:
        self._until = spent()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Any:
        """Each phase of a test costs what was spent since the one before, fixtures included."""
        report = yield
        now = spent()
        report.cpu_s, self._until = now - self._until, now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.nodeid.partition("::")[0]
        self._files[file] += getattr(report, "cpu_s", 0.0)
        self._tests[file] += report.when == "call"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["cpu_s"] = spent()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._workers += getattr(node, "workeroutput", {}).get("cpu_s", 0.0)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        tests = sum(self._files.values())
        rooms, many = Counter[str](), Counter[str]()
        for file, seconds in self._files.items():
            room = file.split("/")[1] if file.count("/") > 1 else "tests"
            rooms[room] += seconds
            many[room] += self._tests[file]
        whole = max(tests, self._workers or spent())
        terminalreporter.section("CPU seconds by room")
        for room, seconds in rooms.most_common():
            terminalreporter.line(f"{seconds:8.1f}  {room} ({many[room]} tests)")
        for file, seconds in self._files.most_common(FILES):
            terminalreporter.line(f"{seconds:8.1f}  {file}")
        terminalreporter.line(
            f"{tests:8.1f}  all tests; {whole - tests:.1f} more to begin, and to collect them"
        )

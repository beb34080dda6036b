"""A sweep leaves no trace of its jobs in the parent: what can be reached is counted, not weighed."""

import gc
import io
from types import BuiltinFunctionType, FunctionType, ModuleType

import pytest
from pool_told import RunJobs
from rich.console import Console

from audition.sweep.pool import Display, Job, PoolSettings, Server, warm
from audition.sweep.pool.lines import PlainLines
from audition.sweep.pool.live import Live
from audition.sweep.pool.loop import _Pool

_ELSEWHERE = (type, ModuleType, FunctionType, BuiltinFunctionType, Console)


def reachable(*roots: object) -> int:
    """How many objects the roots hold, classes and modules and what those hold left out."""
    seen: dict[int, object] = {}
    waiting = list(roots)
    while waiting:
        found = waiting.pop()
        if id(found) not in seen and not isinstance(found, _ELSEWHERE):
            seen[id(found)] = found
            waiting += gc.get_referents(found)
    return sum(not isinstance(found, int | float | str | bytes) for found in seen.values())


def after(count: int, server: Server, settings: PoolSettings, display: Display) -> int:
    """What is held once `count` jobs of two groups have ended."""
    jobs = [
        Job(f"job {n}", f"arm {n % 2}", {"do": "nothing", "name": str(n)}) for n in range(count)
    ]
    pool = _Pool(jobs, settings, server, lambda job, end: None, display)
    display.begin(jobs, pool.workers)
    pool.run()
    display.close()
    del jobs
    return reachable(vars(pool), vars(server), vars(display))


@pytest.mark.parametrize("make", [Display, PlainLines, Live])
def test_many_jobs_leave_what_few_leave(make: type, run_jobs: RunJobs) -> None:
    settings = PoolSettings(workers=2, preload=(), entry="pool_entries:work")
    with warm(settings) as server:
        after(4, server, settings, Display())  # what is made on first use
        few, many = (
            after(count, server, settings, make(*() if make is Display else (io.StringIO(),)))
            for count in (6, 40)
        )
    assert many == few


def test_a_kept_end_would_be_noticed() -> None:
    kept: list[object] = []
    before = reachable(kept)
    kept += [object() for _ in range(3)]
    assert reachable(kept) == before + 3


def test_a_job_that_was_busy_is_forgotten_once_it_ended() -> None:
    from audition.sweep.pool import End

    display, job = PlainLines(io.StringIO()), Job("a", "g", {})
    display.begin([job], 1)
    for status in ("busy", "ok"):
        display.started(job)
        display.ended(job, End(status=status, seconds=1.0))
    assert display._busy == set()

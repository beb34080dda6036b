"""Jobs that go well: results, order, places, logs, environment, reports, cost."""

import gc
import json
import os
import tracemalloc
from pathlib import Path

import pytest
from pool_told import RunJobs, Told, alive

from audition.sweep.pool import Display, End, Job, PoolSettings, run_pool, warm


def test_every_job_runs_once_and_its_last_report_arrives(run_jobs: RunJobs, tmp_path: Path) -> None:
    jobs = [
        {"name": f"job {n}", "do": "square", "n": n, "out": str(tmp_path / str(n))}
        for n in range(20)
    ]
    told = run_jobs(jobs, workers=3)
    assert {int((tmp_path / str(n)).read_text()) for n in range(20)} == {n * n for n in range(20)}
    assert {end.status for end in told.ends.values()} == {"ok"}
    assert told.order == [job["name"] for job in jobs]
    for n in range(20):
        assert told.reports[f"job {n}"] == {"step": 2, "steps": 2, "loss": n / 2}


def test_no_jobs_is_no_work(told: Told) -> None:
    settings = PoolSettings(entry="no_such_module:work")
    run_pool([], settings, on_end=told.on_end, display=told)


def test_the_server_prepares_once_a_group_and_outlives_a_failure(run_jobs: RunJobs) -> None:
    names = ("a 1", "b 1", "a 2", "b 2")
    jobs = [
        {"name": name, "group": name[0], "do": "was_prepared", "unready": name == "a 1"}
        for name in names
    ]
    told = run_jobs(jobs, workers=1)
    assert {end.status for end in told.ends.values()} == {"ok"}
    assert told.reports["a 1"] == {"prepared": ["a 1"]}
    for name in names[1:]:
        assert told.reports[name] == {"prepared": ["a 1", "b 1"]}


def test_the_longest_starts_first(run_jobs: RunJobs) -> None:
    jobs = [{"name": name, "do": "nothing", "seconds": s} for name, s in (("a", 1), ("b", 9))]
    assert run_jobs(jobs, workers=1).order == ["b", "a"]


def test_as_many_at_once_as_there_are_workers_and_no_more(
    run_jobs: RunJobs, tmp_path: Path
) -> None:
    run_jobs(
        [{"name": str(n), "do": "span", "out": str(tmp_path / str(n))} for n in range(8)], workers=2
    )
    spans = [json.loads((tmp_path / str(n)).read_text()) for n in range(8)]
    at_once = [sum(began <= moment < ended for began, ended in spans) for moment, _ in spans]
    assert max(at_once) == 2


def test_what_a_run_prints_is_appended_to_its_log(run_jobs: RunJobs, tmp_path: Path) -> None:
    log = tmp_path / "new" / "folder" / "run.log"
    for name in ("a", "b"):
        run_jobs([{"name": name, "do": "nothing", "log": str(log)}])
    assert log.read_text() == "hello from a\nhello from b\n"


def test_cards_are_dealt_out_and_bound_the_workers(
    run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 6")
    jobs = [{"name": str(n), "do": "environment", "sleep": 0.05} for n in range(4)]
    told = run_jobs(jobs, workers=9, gpus=(1, 0))
    seen = [told.reports[str(n)]["CUDA_VISIBLE_DEVICES"] for n in range(4)]
    assert sorted(seen) == ["4", "4", "6", "6"]
    assert seen[0] == "6"


@pytest.mark.parametrize("before", [None, "", "3"])
def test_without_cards_the_environment_keeps_its_choice(
    run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: str | None
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PYTHONPATH", "mine")
    monkeypatch.chdir(tmp_path)
    if before is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    told = run_jobs([{"name": "a", "do": "environment"}], threads=3)
    assert told.reports["a"] == {
        "CUDA_VISIBLE_DEVICES": before,
        "OMP_NUM_THREADS": "3",
        "PYTHONPATH": "mine",
        "folder": os.getcwd(),
    }


def test_a_run_meets_clean_signals_and_few_descriptors(run_jobs: RunJobs) -> None:
    told = run_jobs([{"name": "a", "do": "signals"}])
    # 0 1 2, reports, lifeline, breath, and the one that lists the folder
    assert told.reports["a"] == {"term": True, "int": True, "open": 7}


def test_a_talkative_run_neither_waits_nor_floods(run_jobs: RunJobs) -> None:
    told = run_jobs([{"name": "a", "do": "chatter"}])
    assert told.reports["a"] == {"step": 19_999, "steps": 20_000}
    assert told.ends["a"].seconds < 2.0


def test_a_server_gets_warm_while_the_caller_goes_on(run_jobs: RunJobs, tmp_path: Path) -> None:
    settings = PoolSettings(preload=("no_such_module", "json"), entry="pool_entries:work")
    with warm(settings) as server:
        assert not server.ready
        told = run_jobs([{"name": "a", "do": "nothing"}], server=server)
        run_jobs([{"name": "b", "do": "nothing"}], server=server)
        assert server.ready
        assert alive(server.pid)
    assert not alive(server.pid)
    assert [end.status for end in told.ends.values()] == ["ok", "ok"]
    assert told.notes == [
        "cannot preload 'no_such_module': ModuleNotFoundError: No module named 'no_such_module'"
    ]


def test_a_server_that_is_not_needed_costs_no_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = tmp_path / "imported"
    monkeypatch.setenv("SLOW_PRELOAD", str(imported))
    with warm(PoolSettings(preload=("pool_slow_preload",), entry="pool_entries:work")) as server:
        pass
    assert not alive(server.pid)
    assert not imported.exists()


def test_a_job_leaves_nothing_in_the_parent(tmp_path: Path) -> None:
    count, grown = 300, 0

    def on_end(job: Job, end: End) -> None:
        nonlocal count, grown
        count -= 1
        if not count:
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before

    jobs = [Job(str(n), "g", {"do": "nothing", "name": str(n)}) for n in range(count)]
    settings = PoolSettings(workers=2, preload=(), entry="pool_entries:work")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run_pool(jobs, settings, on_end=on_end, display=Display())
    finally:
        tracemalloc.stop()
    assert grown < 40_000  # one kept End a job would be three times that

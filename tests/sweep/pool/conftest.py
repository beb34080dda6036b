"""A pool with everything it told, and the folder of entries that the children import."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pool_told import RunJobs, Told

from audition.sweep.pool import Job, PoolSettings, Server, run_pool


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def run_jobs(told: Told) -> Iterator[RunJobs]:
    """Run (entry, payload) pairs, labelled by `payload['name']`; no descriptor may stay open."""

    def run(
        jobs: Sequence[dict[str, Any]],
        *,
        server: Server | None = None,
        **settings: Any,
    ) -> Told:
        settings = {"preload": (), "entry": "pool_entries:work", "workers": 2, **settings}
        run_pool(
            [
                Job(
                    job["name"],
                    job.get("group", "g"),
                    job,
                    log=job.get("log") and Path(job["log"]),
                    expected_seconds=job.get("seconds"),
                )
                for job in jobs
            ],
            PoolSettings(**settings),
            on_end=told.on_end,
            display=told,
            server=server,
        )
        return told

    before = len(os.listdir("/dev/fd"))
    yield run
    assert len(os.listdir("/dev/fd")) == before

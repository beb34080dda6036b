"""Jobs that are made only when a slot is free for them, and runs that their source ends early."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pool_told import Told

from audition.sweep.pool import End, Job, PoolSettings, run_pool


@dataclass
class Chain:
    """Each job is made from the end of the one before; never more than `width` at once."""

    left: int
    width: int
    folder: Path
    do: str = "nothing"
    told: Told = field(default_factory=Told)
    under_way: int = 0
    most: int = 0

    def take(self) -> Job | None:
        if not self.left or self.under_way >= self.width:
            return None
        self.left -= 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        name = str(self.left)
        return Job(name, name, {"do": self.do, "name": name, "out": str(self.folder / name)})

    def stops(self, job: Job, report: Mapping[str, Any]) -> str:
        return "enough" if "step" in report else ""

    def on_end(self, job: Job, end: End) -> None:
        self.under_way -= 1
        self.told.on_end(job, end)

    def run(self, jobs: tuple[Job, ...] = ()) -> Told:
        settings = PoolSettings(workers=3, preload=(), entry="pool_entries:work", grace_s=10.0)
        run_pool(jobs, settings, on_end=self.on_end, display=self.told, source=self)
        return self.told


def test_every_job_of_a_source_is_run_as_it_becomes_known(tmp_path: Path) -> None:
    chain = Chain(7, 2, tmp_path)
    told = chain.run()
    assert set(told.ends) == {str(n) for n in range(7)}
    assert {end.status for end in told.ends.values()} == {"ok"}
    assert chain.most == 2


def test_a_source_without_jobs_ends_at_once(tmp_path: Path) -> None:
    assert Chain(0, 1, tmp_path).run().ends == {}


def test_jobs_that_are_known_come_before_a_source(tmp_path: Path) -> None:
    chain = Chain(2, 1, tmp_path)
    known = Job("known", "known", {"do": "nothing", "name": "known"})
    chain.under_way = 1
    assert chain.run((known,)).order[0] == "known"
    assert set(chain.told.ends) == {"known", "0", "1"}


def test_a_run_is_ended_when_its_source_says_so(tmp_path: Path) -> None:
    chain = Chain(1, 1, tmp_path, do="step_for_ever")
    (end,) = chain.run().ends.values()
    assert (end.status, end.reason) == ("interrupted", "enough")
    assert end.seconds < 10

"""What becomes of a worker's time and memory in a sweep, and of the parent's memory in a long one."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir

import audition.training.loop
from audition.config.root import conf_dir
from audition.machine import peak_memory
from audition.provenance import provenance
from audition.records.store import Ledger
from audition.sweep.arms import Question
from audition.sweep.compose import Composer
from audition.sweep.local import PRELOAD
from audition.sweep.plan import make_plan
from audition.sweep.pool import Display, End, Job, PoolSettings, run_pool, warm
from audition.sweep.pool.lines import PlainLines
from audition.training import run
from scripts.bench.pairs import Row

MEGABYTE = 1e6
prepare = run.prepare


def work(payload: Mapping[str, Any], tell: Callable[..., None]) -> int:
    """A run as ever, with its evaluations timed and its memory looked at before it ends."""
    spent, evaluate = 0.0, audition.training.loop.evaluate

    def timed(*arguments: Any) -> Any:
        nonlocal spent
        began = time.perf_counter()
        evaluation = evaluate(*arguments)
        spent += time.perf_counter() - began
        return evaluation

    audition.training.loop.evaluate = timed
    code = run.work(payload, tell)
    peak = peak_memory()
    tell({"evaluating": spent, "peak": peak, "shared_out": _kilobytes("Pss") * 1024})
    return code


def nothing(payload: Mapping[str, Any], tell: Callable[..., None]) -> int:
    """The smallest run there is."""
    tell({"step": 1, "steps": 1, "loss": 1.0})
    return 0


@dataclass
class Watch(Display):
    """When the first run was launched and the last ended, and what the runs said of themselves."""

    first: float | None = None
    last: float = 0.0
    said: dict[str, dict[str, Any]] = field(default_factory=dict)

    def started(self, job: Job) -> None:
        self.first = time.perf_counter() if self.first is None else self.first

    def progress(self, job: Job, report: Mapping[str, Any]) -> None:
        self.said.setdefault(job.label, {}).update(report)

    def ended(self, job: Job, end: End) -> None:
        assert end.status == "ok", end.reason
        self.last = time.perf_counter()


def sweep(folder: Path, seeds: range, *words: str) -> tuple[Watch, list[Any]]:
    """Train the nano baseline on `seeds` with two workers; what was seen, and the records."""
    common = (f"paths.output_dir={folder}", *words)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        plan = make_plan(Question(common, (), tuple(seeds)), Composer("audition"))
    watch, facts = Watch(), provenance()
    settings = PoolSettings(workers=2, preload=PRELOAD, entry="scripts.bench.worker:work")
    jobs = [Job.of(one.spec(facts)) for one in plan.runs]
    run_pool(jobs, settings, on_end=lambda job, end: None, display=watch)
    keys = {one.identity.key for one in plan.runs}
    return watch, [r for r in Ledger(folder).read().records if r.key in keys]


def rows(folder: Path, *, runs: int = 12, each_s: float = 5.0) -> list[Row]:
    """Shares of the time of two workers in `runs` runs of about `each_s` training, and memory.

    A pass over the held-out text is to the budget what it is by default: 131,072 to a million.
    """
    _, (tried,) = sweep(folder, range(1), "budget.tokens=30000", "data.evaluation_tokens=4096")
    tokens = int(each_s * tried.units / tried.train_seconds)
    scaled = tokens * 131_072 // 1_000_000
    watch, records = sweep(
        folder, range(1, runs + 1), f"budget.tokens={tokens}", f"data.evaluation_tokens={scaled}"
    )
    assert watch.first is not None
    there = 2 * (watch.last - watch.first)
    training = sum(record.train_seconds for record in records)
    evaluating = sum(said["evaluating"] for said in watch.said.values())
    what = f"{runs} runs of {there / runs:.2g} s, 2 workers: share of their time in training steps"
    peak = max(said["peak"] for said in watch.said.values()) / MEGABYTE
    own = max(said["shared_out"] for said in watch.said.values()) / MEGABYTE
    return [
        Row(what, "s", training, there, training / there, "≥ 0.92"),
        Row("the same, in training steps or evaluation", "s", training + evaluating, there,
            (training + evaluating) / there),
        Row("peak resident memory of a worker, model=nano", "MB", peak, None, None, "≤ 700 MB"),
        Row("the same, shared pages divided among the sharers", "MB", own, None, None),
        *parent(),
    ]  # fmt: skip


def parent(runs: int = 1000) -> list[Row]:
    """Growth of the parent and of its fork server from the hundredth trivial run to the last."""
    pids: list[int] = []
    before: list[float] = []
    grown: list[float] = []
    ended = 0

    def on_end(job: Job, end: End) -> None:
        nonlocal ended
        ended += 1
        if ended in (runs // 10, runs):
            sizes = [_resident(pid) for pid in pids]
            before.extend(sizes if not before else ())
            grown[:] = [size - first for size, first in zip(sizes, before, strict=True)]

    settings = PoolSettings(workers=2, preload=(), entry="scripts.bench.worker:nothing")
    jobs = [Job(f"run {n}", f"arm {n % 10}", {}) for n in range(runs)]
    with open(os.devnull, "w", encoding="utf-8") as out, warm(settings) as server:
        pids += [os.getpid(), server.pid]
        run_pool(jobs, settings, on_end=on_end, display=PlainLines(out), server=server)
    return [
        Row(f"growth of {who} over {runs:,} runs", "MB", size, None, None, "≤ 1 MB")
        for who, size in zip(("the parent", "its fork server"), grown, strict=True)
    ]


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

"""The pool for a machine, by default as wide as fits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.measured import Pool, remember, workload
from audition.sweep import check, local, resolve_auto
from audition.sweep.arms import Question
from audition.sweep.check import check_device
from audition.sweep.local import pool_settings
from audition.sweep.plan import make_plan
from audition.sweep.say import pool_line


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    def has(cards: int, cores: int = 8) -> None:
        for module in (local, resolve_auto, check):
            monkeypatch.setattr(module, "gpus", lambda: tuple(range(cards)))
        for module in (local, check):
            monkeypatch.setattr(module, "cores", lambda: cores)

    return has


@pytest.mark.parametrize(
    ("cards", "device", "threads", "settings", "workers", "gpus"),
    [
        (0, "auto", 1, {}, 8, ()),
        (0, "cpu", 3, {}, 2, ()),
        (0, "cpu", 99, {}, 1, ()),
        (0, "cpu", 1, {"workers": 5}, 5, ()),
        (2, "auto", 1, {}, 2, (0, 1)),
        (2, "cuda", 1, {"runs_per_gpu": 3}, 6, (0, 1)),
        (2, "cpu", 1, {}, 8, ()),
    ],
)
def test_as_many_as_fit(
    machine: Any,
    cards: int,
    device: str,
    threads: int,
    settings: dict[str, Any],
    workers: int,
    gpus: tuple[int, ...],
) -> None:
    machine(cards)
    made = pool_settings({"device": device, "threads": threads}, **settings)
    assert (made.workers, made.gpus, made.threads) == (workers, gpus, threads)


MEASURED = Pool("cpu", 1, "fp32", 3, 1, 9.0, ("aaaa",), "2026-01-02T03:04:05+00:00")


@pytest.mark.parametrize(
    ("execution", "settings", "workers", "said"),
    [
        ({}, {}, 3, "3 at once, as `audition bench` measured on 2026-01-02."),
        ({}, {"workers": 5}, 5, ""),
        ({"threads": 2}, {}, 4, ""),  # nobody measured that: as many as fit
    ],
)
def test_what_was_measured_is_the_default_and_says_so(
    machine: Any,
    tmp_path: Path,
    execution: dict[str, Any],
    settings: dict[str, Any],
    workers: int,
    said: str,
) -> None:
    machine(0)
    remember(tmp_path, MEASURED, {})
    asked = {"device": "cpu", "threads": 1, **execution}
    made = pool_settings(asked, cache_dir=str(tmp_path), **settings)
    assert (made.workers, pool_line(made)) == (workers, said)
    assert pool_settings({"device": "cpu", "threads": 1}).workers == 8


@pytest.mark.parametrize(
    ("settings", "known", "shape"),
    [
        ({}, True, (8, 4)),
        ({"workers": 3}, True, (3, 4)),
        ({"runs_per_gpu": 2}, True, (4, 2)),
        ({}, False, (2, 1)),  # the cards may not have the memory
    ],
)
def test_a_card_is_shared_by_runs_that_were_measured_together(
    machine: Any,
    tmp_path: Path,
    composer: Any,
    settings: dict[str, Any],
    known: bool,
    shape: tuple[int, int],
) -> None:
    machine(2)
    runs = make_plan(Question(("model=tiny",), (), None), composer).runs
    loads = (workload(runs[0].settings) if known else "aaaa",)
    pool = replace(MEASURED, device="cuda", workers=8, runs_per_gpu=4, workloads=loads)
    remember(tmp_path, pool, {})
    asked = {"device": "cuda", "threads": 1}
    made = pool_settings(asked, cache_dir=str(tmp_path), runs=runs, **settings)
    assert (made.workers, made.runs_per_gpu) == shape
    assert bool(pool_line(made)) == (known and "runs_per_gpu" not in settings)


@pytest.mark.parametrize(
    ("execution", "settings", "said"),
    [
        ({"device": "cuda"}, {}, "execution.device=cuda, and this machine has no GPU to use"),
        ({"device": "gpu"}, {}, "execution.device='gpu' is not one of the choices"),
        ({"threads": 0}, {}, "execution.threads=0 is out of range"),
        ({"threads": "two"}, {}, "execution.threads='two' is not a whole number"),
        ({}, {"workers": 0}, "hydra.launcher.workers=0 is out of range"),
        ({}, {"runs_per_gpu": 0.5}, "hydra.launcher.runs_per_gpu=0.5 is not a whole number"),
        ({}, {"timeout_minutes": -1}, "hydra.launcher.timeout_minutes=-1 is out of range"),
    ],
)
def test_a_mistake_is_named(
    machine: Any, execution: dict[str, Any], settings: dict[str, Any], said: str
) -> None:
    machine(0)
    with pytest.raises(AuditionError, match=said):
        pool_settings({"device": "cpu", "threads": 1, **execution}, **settings)


def test_a_card_that_is_there_is_no_mistake(machine: Any) -> None:
    machine(1)
    check_device({"execution": {"device": "cuda"}})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"workers": 100_000}, "hydra.launcher.workers=100000 is too many"),
        ({"threads": 1000}, "execution.threads=1000 is too many"),
    ],
)
def test_what_would_bring_this_machine_to_a_stop_is_refused(
    machine: Any, settings: dict[str, int], said: str
) -> None:
    machine(cards=0, cores=8)
    execution = {"device": "cpu", "threads": settings.pop("threads", 1)}
    with pytest.raises(
        AuditionError, match=f"{said} for this machine, which has 8 cores: choose 128"
    ):
        pool_settings(execution, **settings)  # type: ignore[arg-type]


def test_more_threads_than_cores_may_be_meant(machine: Any) -> None:
    machine(cards=0, cores=8)
    assert pool_settings({"device": "cpu", "threads": 64}, workers=20).workers == 20

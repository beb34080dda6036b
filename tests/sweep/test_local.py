"""The pool for a machine, by default as wide as fits."""

from typing import Any

import pytest

from audition.errors import AuditionError
from audition.sweep import here, local
from audition.sweep.local import check_device, pool_settings


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    def has(cards: int, cores: int = 8) -> None:
        for module in (local, here):
            monkeypatch.setattr(module, "gpus", lambda: tuple(range(cards)))
        monkeypatch.setattr(local, "cores", lambda: cores)

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
    check_device("cuda")

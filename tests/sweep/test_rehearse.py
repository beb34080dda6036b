"""Configurations are put together in a process of the pool before any of them is run."""

from collections.abc import Callable
from typing import Any

import pytest

from audition.errors import AuditionError
from audition.sweep.arms import Question
from audition.sweep.executors import REHEARSAL, refusal, rehearse
from audition.sweep.local import PRELOAD
from audition.sweep.plan import make_plan
from audition.sweep.pool import Job, PoolSettings, warm


class Asked:
    """A server that counts what it is asked to put together."""

    def __init__(self) -> None:
        self.settings: list[Any] = []

    def do(self, entry: str, job: Job) -> int:
        assert entry == REHEARSAL
        self.settings = job.payload["settings"]
        return 0


def test_each_configuration_is_put_together_once(
    ask: Callable[[str], Question], composer: Any
) -> None:
    runs = make_plan(ask("model=tiny optimizer.lr=1e-3,2e-3 seed=1,2"), composer).runs
    server: Any = Asked()
    rehearse(runs, server)
    assert [s["optimizer"]["lr"] for s in server.settings] == [4e-3, 1e-3, 2e-3]
    server = Asked()
    rehearse((), server)
    assert server.settings == []


def test_a_server_answers_and_is_there_for_the_runs(
    ask: Callable[[str], Question], composer: Any
) -> None:
    runs = make_plan(ask("model=tiny model.heads=1,3 seed=1"), composer).runs
    with warm(PoolSettings(preload=PRELOAD)) as server:
        with pytest.raises(AuditionError, match=r"^arm 'model.heads=3': width=32 cannot be split"):
            rehearse(runs, server)
        rehearse(runs[:2], server)
        # That it is ready was heard meanwhile, and is still told to whoever asks next.
        assert any("ready" in message for message in server.poll(0))
        assert server.ready


def test_the_baseline_is_what_was_typed() -> None:
    assert refusal("baseline", "no") == "no"
    assert refusal("norm=x", "no") == "arm 'norm=x': no"

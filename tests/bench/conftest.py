"""Timings by hand, and sweeps as a command line asks for them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from held import held
from hydra import initialize_config_dir

from audition.bench.plan import PlannedSweep, plan_sweep
from audition.bench.trial import Timing
from audition.config.root import conf_dir

BY_HAND = Timing(
    units_per_s=1000.0,
    units_per_step=100,
    parameters=5,
    held_out_units=6000,
    held_out_units_per_s=3000.0,
    memory_mb=200.0,
)


@pytest.fixture
def timing() -> Callable[..., Timing]:
    """1000 tokens/s in steps of 0.1 s, 2 s an evaluation, no time to start; the rest as said."""
    return lambda **facts: replace(BY_HAND, **facts)


@pytest.fixture
def asked(tmp_path: Path, cache_dir: str) -> Iterator[Callable[..., PlannedSweep]]:
    """What a command line asks for, of a small model and an empty ledger in `tmp_path`."""

    def read(*words: str) -> PlannedSweep:
        small = ("model=tiny", "execution.device=cpu", "precision=fp32")
        own = (f"paths.output_dir={tmp_path}", f"paths.cache_dir={cache_dir}")
        return plan_sweep([*(word for word in (*small, *own) if not taken(word, words)), *words])

    with initialize_config_dir(str(conf_dir()), version_base="1.3"), held():
        yield read


def taken(word: str, words: tuple[str, ...]) -> bool:
    """Whether `words` say otherwise."""
    return any(other.startswith(f"{word.partition('=')[0]}=") for other in words)


def on_cards(asked: Any) -> Any:
    """The same sweep as if it were to run on cards."""
    runs = tuple(
        replace(
            run,
            settings={
                **run.settings,
                "execution": {**run.settings["execution"], "device": "cuda"},
            },
        )
        for run in asked.plan.runs
    )
    return replace(asked, plan=replace(asked.plan, runs=runs), missing=runs)


@pytest.fixture(name="on_cards")
def _on_cards() -> Callable[[Any], Any]:
    return on_cards

"""A step reads no tensor's value: on a card, the processor would wait there for all that goes before.

Metrics read values every tenth step, and where they look at the gates of skip connections. A step in
which units die or are born reads which. A hard gate reads one value, that says whether the backward
pass is run; a compressor on the rate its gain.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from tests.laws.table import ROWS, rows
from torch.utils._python_dispatch import TorchDispatchMode

from audition.observers.gates import Gates
from audition.observers.metrics import Metrics
from audition.recipe.batches import Clock
from audition.session import begin
from audition.training.step import advance

aten = torch.ops.aten
READING = {aten._local_scalar_dense, aten.nonzero, aten.equal, aten.masked_select, aten._unique2}
PLACES = {aten.index, aten.index_put, aten.index_put_}
"""Operations that read where their index is a mask."""
ALLOWED = ("_opens in ", "_number in ")
"""The function of a hard gate that decides, and that of a gain on the rate."""
WARM, STEPS, BUDGET, LOOKS = 2, 6, 60, 6
"""Steps before values are looked for, steps in which they are, and steps of the run; and looks at its
gates: one every tenth step, as lines of metrics are."""


class Reads(TorchDispatchMode):
    """Counts the operations that make a value or a shape out of a tensor's content, by place."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kind = func.overloadpacket
        masks = kind in PLACES and any(x is not None and x.dtype == torch.bool for x in args[1])
        if kind in READING or masks:
            ours = [f for f in traceback.extract_stack() if "/audition/" in f.filename]
            place = f"{ours[-1].filename}:{ours[-1].lineno}"
            self.found[f"{kind.__name__} by {ours[-1].name} in {place}"] += 1
        return func(*args, **(kwargs or {}))


@pytest.fixture
def reads(job_of: Callable[..., Any], tmp_path: Any) -> Callable[..., Counter[str]]:
    """Overrides -> what six steps of a run read, its metrics among them, none of which is due."""

    def counted(*overrides: str) -> Counter[str]:
        job = job_of(*overrides, f"budget.steps={BUDGET}")
        job.execution.enter()
        session = begin(job.recipe, job.seed, "cpu")
        metrics = Metrics(tmp_path, gates=Gates(looks=LOOKS))
        metrics.on_start(session, BUDGET)
        mode = Reads()
        for step in range(WARM + STEPS):
            clock = Clock(step, BUDGET, step / BUDGET)
            if step < WARM:
                metrics.on_step(session, advance(job, session, clock))
                continue
            with mode:
                metrics.on_step(session, advance(job, session, clock))
        metrics.on_end(session, "finished")
        return mode.found

    return counted


@pytest.mark.parametrize("name", rows())
def test_a_step_reads_no_value(
    name: str, reads: Callable[..., Counter[str]], settings_of: Callable[..., Any]
) -> None:
    row = ROWS[name]
    rests = (*resting(settings_of(*row.active)["apoptosis"]),)
    rests += ("skip.start=0.5",) * ("skip=sparse_fitness" in row.active)
    found = reads(*row.active, *rests)
    gates = {place: count for place, count in found.items() if any(a in place for a in ALLOWED)}
    assert sum(gates.values()) in (0, STEPS)
    assert found == gates


def resting(node: Mapping[str, Any], place: str = "apoptosis") -> Iterator[str]:
    """Overrides by which a strategy, and every part of it, has no event in the steps looked at."""
    late = {"warmup": 50, "start": 0.5} if {"warmup", "start"} & node.keys() else {"interval": 0.5}
    yield from (f"{place}.{name}={value}" for name, value in late.items() if name in node)
    for name, each in node.items():
        if isinstance(each, Mapping):
            yield from resting(each, f"{place}.{name}")


def test_what_is_read_is_seen(reads: Callable[..., Counter[str]]) -> None:
    every_step = ("apoptosis.timetable.interval=0.01", "apoptosis.timetable.start=0")
    found = reads("apoptosis=functional_preservation", *every_step)
    assert {place.partition(" ")[0] for place in found} >= {"_local_scalar_dense", "nonzero"}

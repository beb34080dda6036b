"""Looks at a few held-out rows between the evaluations: a finer curve, and not one other bit."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from audition.observers.metrics import Metrics
from audition.recipe.batches import Clock
from audition.recipe.weights import digest
from audition.records.metrics import BETWEEN, read_evaluations, read_lines, read_looks
from audition.training import looks as looking
from audition.training.evaluation import evaluate
from audition.training.looks import Looks, spread
from audition.training.loop import train


def trained(job_of, folder: Path, many: int, *words: str):
    """A run of 12 steps, which may be looked at from step to step; what is left of it."""
    folder.mkdir()
    job = job_of("budget.steps=12", f"training.looks={many}", "model.dropout=0.1", *words)
    outcome = train(job, [Metrics(folder, look=Looks(job), every=1)])
    return outcome, digest({**outcome.session.params, **outcome.session.buffers})


@pytest.mark.parametrize(
    "words",
    [(), ("preset=ema",), ("optimizer=schedule_free",), ("apoptosis=functional_preservation",)],
)
def test_with_looks_and_without_the_run_is_the_same_to_the_bit(
    job_of, tmp_path, monkeypatch, words
):
    monkeypatch.setattr(looking, "APART", 2)
    (seen, weights), (bare, same) = (trained(job_of, tmp_path / str(n), n, *words) for n in (5, 0))
    assert weights == same
    assert [e.metrics for e in seen.session.evaluations] == [
        e.metrics for e in bare.session.evaluations
    ]
    assert [line["step"] for line in read_looks(tmp_path / "5")] == [2, 4, 6, 8, 10]
    assert read_looks(tmp_path / "0") == []
    # All else that was written is the same too, and a look is no evaluation.
    kept = [
        {k: v for k, v in line.items() if not k.startswith(BETWEEN)}
        for line in read_lines(tmp_path / "5")
    ]
    assert kept == read_lines(tmp_path / "0")
    assert len(read_evaluations(tmp_path / "5")) == len(seen.session.evaluations)
    assert seen.session.cost == bare.session.cost


def test_a_look_at_all_rows_measures_what_an_evaluation_does(job_of, monkeypatch):
    job = job_of("budget.steps=4", "preset=ema")
    session = train(job).session
    whole = evaluate(job, session, Clock(4, 4, 1.0)).metrics
    looks = Looks(job)
    looks.rows = spread(session.batches.held_out(), 10**6)
    assert sum(batch.rows for batch in session.batches.held_out()) == looks.rows.rows
    found = looks._look(session, Clock(4, 4, 1.0))
    assert found.keys() == {"between/val_loss", "between/val_bpb"}
    for name, value in found.items():
        assert value == pytest.approx(
            whole[name.removeprefix(BETWEEN).replace("_", "/", 1)], rel=1e-6
        )


def test_rows_are_spread_over_all_of_them(job_of):
    batches = job_of().recipe.data(train(job_of()).session.streams)
    rows = torch.cat([batch.ids for batch in batches.held_out(64)])
    inputs = torch.cat([batch.inputs for batch in batches.held_out(64)])
    batch = next(iter(batches.held_out(64))).rows
    for apart in (1, 4, batch - 1, 3 * batch):  # also where whole batches have none of them
        few = spread(batches.held_out(64), len(rows) // apart)
        exactly = len(rows) // (len(rows) // apart)
        assert few.ids.tolist() == rows[::exactly].tolist()
        assert torch.equal(few.inputs, inputs[::exactly])


@pytest.mark.parametrize(
    ("steps", "expected"), [(19, []), (60, [20, 40]), (325, [*range(25, 325, 25)])]
)
def test_looks_are_few_and_far_between(job_of, monkeypatch, steps, expected):
    """At most one in 20 steps, and none in a run of a few."""
    looks = Looks(job_of())
    monkeypatch.setattr(Looks, "_look", lambda self, session, clock: {"seen": clock.step})
    seen = []
    for step in range(steps):
        session: Any = SimpleNamespace(step=step + 1, model=torch.nn.Linear(1, 1))
        report: Any = SimpleNamespace(clock=Clock(step, steps))
        seen += [session.step] * bool(looks(session, report))
    assert seen == expected


@pytest.mark.parametrize(
    "words", [("task=stream",), ("task=test_time",), ("budget.minutes=1", "budget.steps=null")]
)
def test_what_takes_more_than_a_pass_or_has_no_known_end_is_not_looked_at(job_of, words):
    looks = Looks(job_of(*words))
    steps = None if "budget.minutes=1" in words else 100
    report: Any = SimpleNamespace(clock=Clock(20, steps))
    session: Any = SimpleNamespace(step=20)
    assert looks(session, report) == {}

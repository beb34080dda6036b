"""The log of a run's units: what training did to them, stopped and resumed, and when nothing dies."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from tests.apoptosis.conftest import Growing, Shrinking, Turning

from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.lineage import LineageLog
from audition.observers.observer import Observer
from audition.recipe.units import sites
from audition.records.lineage import FILE, read_lineage
from audition.training.loop import train

OFTEN = (
    "apoptosis=functional_preservation",
    "apoptosis/timetable=periodic",
    "apoptosis.timetable.interval=2",
    "apoptosis.timetable.warmup=1",
    "apoptosis.rate=0.1",
)


class Rows(Observer):
    """The incoming row of every unit, after each step: who a unit is, whatever its slot."""

    def __init__(self):
        self.seen = {}

    def on_step(self, session, report):
        self.seen[session.step] = {
            name: session.params[units.parts[0].parameter].detach().clone()
            for name, units in sites(session.model).items()
        }


def test_each_event_is_a_line(job_of, tmp_path):
    outcome = train(job_of(*OFTEN), [LineageLog(tmp_path)])
    log = read_lineage(tmp_path)
    assert [(t.step, t.site[7]) for t in log.turns] == [(2, "0"), (2, "1"), (4, "0"), (4, "1")]
    for turn in log.turns:
        assert len(turn.born) == len(turn.died) == len(turn.facts["alpha"]) == 13  # ceil of 12.8
        assert all(len(parents) == 1 for parents in turn.parents)
        assert len(turn.fitness) == 128
        assert turn.strategy == "functional_preservation"
    counts = {site: len(ids) for site, ids in log.living.items()}
    assert counts == {n: units.count for n, units in sites(outcome.session.model).items()}
    every = [i for t in log.turns for i in t.born] + [
        i for ids in log.founders.values() for i in ids
    ]
    assert len(every) == len({*every}) == 2 * 128 + 4 * 13


def test_the_least_fit_died(job_of, tmp_path):
    train(job_of(*OFTEN), [LineageLog(tmp_path)])
    log = read_lineage(tmp_path)
    first = log.turns[0]
    order = torch.tensor(first.fitness).argsort()
    ids = log.founders[first.site]
    assert {ids[j] for j in order[:13]} == {*first.died}
    assert {p for each in first.parents for p in each} <= {ids[j] for j in order[-13:]}


@pytest.mark.parametrize("kind", [Growing, Shrinking, Turning])
def test_ids_follow_units_through_other_widths(job_of, tmp_path, kind):
    """A unit that lived through an event has the row that it had before, at whatever slot it is."""
    rows = Rows()
    still = ("optimizer=sgd", "optimizer.lr=0", "optimizer.weight_decay=0")
    job = job_of(*still)
    job = replace(job, recipe=replace(job.recipe, apoptosis=kind()))
    outcome = train(job, [LineageLog(tmp_path), rows])
    log = read_lineage(tmp_path)
    steps = (1, *sorted({t.step for t in log.turns}))
    for before, after in pairwise(steps):
        was, now = log.up_to(before).living, log.up_to(after).living
        for site in was:
            slots = {i: j for j, i in enumerate(now[site])}
            lived = [(j, slots[i]) for j, i in enumerate(was[site]) if i in slots]
            assert len(lived) >= 110
            ours, theirs = (torch.tensor(each) for each in zip(*lived, strict=True))
            assert rows.seen[before][site][ours].equal(rows.seen[after][site][theirs])
    counts = {n: units.count for n, units in sites(outcome.session.model).items()}
    assert {site: len(ids) for site, ids in log.living.items()} == counts


def test_stopped_and_resumed_it_is_the_same_file(job_of, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    train(job_of(*OFTEN), [LineageLog(whole)])
    train(
        job_of(*OFTEN),
        [Checkpoint(parts, minutes=1e9), LineageLog(parts)],
        interrupted=lambda step: step == 3,
    )
    # What came after the checkpoint is done again: here, an event of step 4 that was written.
    text = (parts / FILE).read_text()
    (parts / FILE).write_text(text + (whole / FILE).read_text().splitlines(keepends=True)[3])
    train(job_of(*OFTEN), [LineageLog(parts)], resume=read_checkpoint(parts / NAME, ""))
    assert (parts / FILE).read_text() == (whole / FILE).read_text()


def test_a_lost_log_begins_anew_and_says_since_when(job_of, tmp_path):
    train(job_of(*OFTEN), [Checkpoint(tmp_path, minutes=1e9)], interrupted=lambda step: step == 3)
    train(job_of(*OFTEN), [LineageLog(tmp_path)], resume=read_checkpoint(tmp_path / NAME, ""))
    log = read_lineage(tmp_path)
    assert (log.since, {t.step for t in log.turns}) == (3, {4})


def test_without_deaths_there_is_no_file(job_of, tmp_path):
    (tmp_path / FILE).write_text("of an earlier attempt\n")
    train(job_of(), [LineageLog(tmp_path)])
    assert not (tmp_path / FILE).exists()


def test_watching_changes_no_bit(job_of, trained, weights_of, differences, tmp_path):
    watched = train(job_of(*OFTEN), [LineageLog(tmp_path)])
    assert not differences(weights_of(watched), weights_of(trained(*OFTEN)))

"""The loss around events of apoptosis: the right numbers at the right steps, and no bit changed."""

import json
from dataclasses import dataclass, replace

import pytest
import torch
from torch.nn import functional as F

from audition.answers.spikes import spikes_in
from audition.observers import spikes
from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.metrics import Metrics
from audition.observers.observer import Observer
from audition.observers.spikes import Spikes
from audition.recipe.batches import Batch
from audition.recipe.turnover import Edit, Event, Turnover
from audition.records.metrics import AFTER, BEFORE, FILE, LATER, read_lines
from audition.session import begin
from audition.training.loop import train

OFTEN = (
    "apoptosis=mutation",
    "apoptosis/timetable=periodic",
    "apoptosis.timetable.interval=3",
    "apoptosis.timetable.warmup=1",
    "apoptosis.rate=0.2",
    "budget.steps=9",
)
STILL = ("optimizer=sgd", "optimizer.lr=0", "optimizer.weight_decay=0")


@dataclass(frozen=True)
class Planted(Turnover):
    """After step `at`, the outgoing weights of half the units of the first block times `gain`."""

    at: tuple[int, ...]
    gain: float
    born: bool = True

    def propose(self, probe, gradient, state, view):
        if view.clock.step + 1 not in self.at:
            return (), state
        units = torch.arange(64)
        name = "blocks.0.feedforward.down.weight"
        values = view.params[name][:, :64] * self.gain
        edit = Edit(name, 1, units, values, "keep")
        born = units if self.born else units[:0]
        parents = born.new_empty((len(born), 0))
        return (Event("blocks.0.feedforward", born, parents, (edit,)),), state


class Naive(Observer):
    """The loss on the first rows of the probe text, computed as in a textbook, at every moment."""

    def __init__(self):
        self.before, self.after = {}, {}

    def on_turnover(self, session, events):
        self.before[session.step + 1] = self._loss(session)

    def on_step(self, session, report):
        self.after[session.step] = self._loss(session)

    def _loss(self, session):
        batch = session.batches.probe(0)
        assert batch.units <= 2048
        session.model.eval()
        with torch.no_grad():
            logits = session.model(batch.inputs)
        session.model.train()
        return float(F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten()))


def planted(job, turnover):
    return replace(job, recipe=replace(job.recipe, apoptosis=turnover))


def seen(folder, name):
    return {line["step"]: line[name] for line in read_lines(folder) if name in line}


def test_the_numbers_are_those_of_a_naive_look(job_of, tmp_path):
    naive = Naive()
    train(job_of(*OFTEN), [Metrics(tmp_path), naive])
    assert set(seen(tmp_path, BEFORE)) == {3, 6}
    assert seen(tmp_path, BEFORE) == pytest.approx(naive.before, rel=1e-6)
    assert seen(tmp_path, AFTER) == pytest.approx({s: naive.after[s] for s in (3, 6)}, rel=1e-6)
    for step, loss in seen(tmp_path, LATER).items():
        assert loss == pytest.approx(naive.after[step], rel=1e-6)


def test_watching_changes_no_bit(job_of, trained, weights_of, differences, tmp_path):
    more = (*OFTEN, "model.dropout=0.2")
    watched = train(job_of(*more), [Metrics(tmp_path)])
    alone = trained(*more)
    assert seen(tmp_path, AFTER)
    assert not differences(weights_of(watched), weights_of(alone))
    assert watched.session.cost == alone.session.cost
    mine, other = (o.session.snapshot() for o in (watched, alone))
    assert not differences(mine["optimizer"], other["optimizer"])
    assert mine["dropout"].equal(other["dropout"])


def test_an_event_without_effect_has_no_spike(job_of, tmp_path):
    train(planted(job_of("budget.steps=6"), Planted((2,), 1.0)), [Metrics(tmp_path)])
    (spike,) = spikes_in(read_lines(tmp_path))
    assert (spike.step, spike.size, spike.back) == (2, 0.0, 0)
    assert not seen(tmp_path, LATER)


@pytest.mark.parametrize("gain", [-20.0, 20.0])
def test_a_loss_that_stays_is_looked_at_ever_more_rarely(job_of, tmp_path, gain):
    job = planted(job_of(*STILL, "budget.steps=22"), Planted((2, 12), gain))
    train(job, [Metrics(tmp_path)])
    first, second = spikes_in(read_lines(tmp_path))
    assert first.size != 0.0
    if first.size > 0.0:
        assert (first.back, first.seen) == (None, 8)
        assert [passed for passed, _ in first.path] == [0, 1, 2, 4, 8]
        assert {rise for _, rise in first.path} == {first.size}
        assert second.before == pytest.approx(first.after)
    else:
        assert (first.back, first.seen) == (0, 0)


def test_it_ends_at_the_first_look_at_which_it_is_back():
    lines = [
        {"step": 10, "apoptosis/born": 3.0, BEFORE: 2.0, AFTER: 2.5},
        {"step": 11, LATER: 2.2},
        {"step": 12, LATER: 2.0},
        {"step": 20, "train/loss": 1.9},
        {"step": 30, "apoptosis/born": 3.0, BEFORE: 1.8, AFTER: 1.9},
        {"step": 31, LATER: 1.85},
        {"step": 40, "apoptosis/born": 3.0},  # one that was not looked at
        {"step": 50, "apoptosis/born": 3.0, BEFORE: None, AFTER: None},
    ]
    first, second = spikes_in(lines)
    assert (first.size, first.back, first.seen) == (0.5, 2, 2)
    assert first.path == ((0, 0.5), (1, pytest.approx(0.2)), (2, 0.0))
    assert (second.back, second.seen) == (None, 1)


FADE = (*OFTEN[1:4], "apoptosis=fade", "apoptosis.over=2", "budget.steps=9", "apoptosis.rate=0.2")


def test_before_a_fading_event_is_before_it_begins(job_of, tmp_path):
    naive = Naive()
    train(job_of(*FADE), [Metrics(tmp_path), naive])
    begun = seen(tmp_path, BEFORE)
    assert list(begun) == [3, 4, 6, 7]
    assert begun[3] == begun[4] == pytest.approx(naive.before[3], rel=1e-6)
    assert list(seen(tmp_path, AFTER)) == [4, 7]
    found = spikes_in(read_lines(tmp_path))
    assert [(s.before, s.faded) for s in found] == [(begun[4], 1), (begun[7], 1)]


def test_events_that_follow_each_other_closely_are_seen_now_and_then(job_of, tmp_path):
    each = tuple(range(1, 11))
    job = planted(job_of("budget.steps=12"), Planted(each, 1.0))
    train(job, [Metrics(tmp_path, spikes=Spikes(events=3))])
    assert list(seen(tmp_path, AFTER)) == [1, 5, 9]


def test_edges_that_begin_are_no_event(job_of, tmp_path):
    """What changes weights without a birth leaves no spike, nor a stale loss before the next."""
    naive = Naive()
    calm = planted(job_of("budget.steps=8"), Planted((2,), 1.0, born=False))
    train(calm, [Metrics(tmp_path), naive])
    assert spikes_in(read_lines(tmp_path)) == ()


@pytest.mark.parametrize(("how", "stop"), [(OFTEN, 3), (OFTEN, 4), (FADE, 3), (FADE, 5)])
def test_stopped_and_resumed_it_is_the_same_file(job_of, tmp_path, how, stop):
    """After an event, while a loss is above what it was, and while units fade."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    train(job_of(*how), [Metrics(whole)])
    train(
        job_of(*how),
        [Checkpoint(parts, minutes=1e9), Metrics(parts)],
        interrupted=lambda step: step == stop,
    )
    text = (parts / FILE).read_text()
    (parts / FILE).write_text(text + json.dumps({"step": stop + 1, "train/loss": 9.9}) + "\n")
    train(job_of(*how), [Metrics(parts)], resume=read_checkpoint(parts / NAME, ""))
    assert (parts / FILE).read_text() == (whole / FILE).read_text()


def test_predictions_of_examples_are_looked_at_too(job_of):
    job = job_of("model=mlp", base=("experiment=digits", "data.batch_size=16"))
    session = begin(job.recipe, job.seed, "cpu")
    session.model.eval()
    rows = session.batches.probe(0)
    expected = F.cross_entropy(session.model(rows.inputs), rows.targets).item()
    session.model.train()
    (look := Spikes()).before(session)
    assert look.held == pytest.approx(expected, rel=1e-6)
    assert session.model.training


def test_targets_that_are_no_classes_are_not(job_of, tmp_path, monkeypatch):
    monkeypatch.setattr(
        spikes,
        "fixed_rows",
        lambda session, units: Batch(
            session.batches.probe(0).inputs, torch.zeros(3), torch.arange(3), torch.zeros(3)
        ),
    )
    train(job_of(*OFTEN), [Metrics(tmp_path)])
    assert not seen(tmp_path, BEFORE)
    assert not seen(tmp_path, AFTER)

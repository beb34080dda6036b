"""`memory=ockham` keeps weights that come to what was stored, whenever and however a run is stopped."""

import errno
import os
from dataclasses import replace

import pytest
import torch

from audition.effects.anchor import Anchor
from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.memory import FIRST, NoMemory, OckhamMemory, Subject
from audition.records.archive import DISTANCE, FOLDER, read_archive, read_weights
from audition.training.build import build
from audition.training.loop import train
from audition.training.restored import evaluate_weights

OFTEN = ("training.evaluations=6", "optimizer.lr=0.01")


@pytest.fixture
def remembered(settings_of, tmp_path):
    """Overrides -> a run's settings and job, its folder, its memory and what that said."""

    def of(*overrides, folder="run", **settings):
        own = settings_of(*OFTEN, *overrides)
        job, said = build(own), []
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        subject = Subject(
            place,
            job.task.primary,
            job.task.measures[job.task.primary],
            lambda session: job.recipe.effects.meters(session.effects),
            said.append,
        )
        return own, job, place, OckhamMemory(subject, **settings), said

    return of


def files(place):
    return sorted(path.name for path in (place / FOLDER).iterdir())


@pytest.mark.parametrize("overrides", [(), ("preset=ema",), ("experiment=digits",)])
def test_kept_weights_come_to_the_stored_value(remembered, overrides):
    """Averaged ones too, which are not the live weights."""
    settings, job, place, memory, said = remembered(*overrides)
    outcome = train(job, [memory])
    archive = read_archive(place)
    assert said == []
    assert len(archive.stored) == len(archive.points) >= 1
    recorded = {e.step: e.metrics for e in outcome.session.evaluations}
    for point in archive.stored:
        metric = archive.metric.replace("_", "/", 1)
        assert point.value == recorded[point.step][metric]
        values = evaluate_weights(settings, read_weights(place, point))
        assert values[archive.metric] == point.value
    stored = {p.file for p in archive.stored}
    assert set(files(place)) == {"memory.json", FIRST, *stored}


def test_it_changes_no_bit_of_the_run(remembered, job_of, differences, weights_of):
    _, job, _, memory, _ = remembered("preset=ema")
    kept, alone = train(job, [memory]), train(job_of(*OFTEN, "preset=ema"))
    assert not differences(weights_of(kept), weights_of(alone))
    assert kept.final == alone.final


def test_complexity_is_the_distance_from_the_first_weights(remembered):
    _, job, place, memory, _ = remembered()
    outcome = train(job, [memory])
    first = torch.load(place / FOLDER / FIRST)
    archive = read_archive(place)
    assert archive.complexity == DISTANCE
    (last,) = (p for p in archive.points if p.step == 6)
    params = outcome.session.params
    apart = sum((params[n].detach() - w).square().sum() for n, w in first.items())
    size = sum(w.square().sum() for w in first.values())
    assert last.complexity == pytest.approx(float(apart / size), rel=1e-5)


def test_or_the_meter_of_an_anchor(remembered):
    _, job, place, memory, _ = remembered()
    job = replace(job, recipe=job.recipe.with_effect("anchor", Anchor(strength=0.1)))
    read = []
    told = replace(
        memory.subject, meters=lambda session: job.recipe.effects.meters(session.effects)
    )
    memory.subject = told

    class Read(NoMemory):
        def on_evaluated(self, session, evaluation):
            read.append(float(told.meters(session)["anchor/complexity"]))

    train(job, [memory, Read(told)])
    archive = read_archive(place)
    assert archive.complexity == "anchor/complexity"
    assert [p.complexity for p in archive.points] == [read[p.step - 1] for p in archive.points]


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_stopped_and_resumed_it_keeps_the_same(remembered, stop):
    """The first process dies at the end, so that all after its checkpoint is evaluated twice."""
    _, job, whole, memory, _ = remembered(folder="whole")
    train(job, [memory])
    _, job, place, memory, said = remembered(folder="resumed")

    class Kept(Checkpoint):
        def on_step(self, session, report):
            if session.step == stop:
                self.save(session)

        def on_end(self, session, status):
            pass

    train(job, [memory, Kept(place)])
    (place / FOLDER / "step_99.pt").write_bytes(b"half of")  # as a killed process may leave it
    (place / FOLDER / ".part-step_4.pt").write_bytes(b"half of")
    _, job, _, memory, said = remembered(folder="resumed")
    train(job, [memory], resume=read_checkpoint(place / NAME, ""))
    assert said == []
    assert read_archive(place) == read_archive(whole)
    assert files(place) == files(whole)
    for point in read_archive(place).stored:
        assert read_weights(place, point) == read_weights(whole, point)


def test_a_torn_list_begins_anew_and_says_so(remembered):
    _, job, place, memory, _ = remembered()
    train(job, [memory, Checkpoint(place)], interrupted=lambda step: step == 3)
    index = place / FOLDER / "memory.json"
    index.write_text(index.read_text()[:50])
    _, job, _, memory, said = remembered()
    train(job, [memory], resume=read_checkpoint(place / NAME, ""))
    assert "its memory begins at step 3" in said[0]
    archive = read_archive(place)
    assert min(p.step for p in archive.points) > 3
    assert set(files(place)) == {"memory.json", FIRST, *(p.file for p in archive.stored)}


def test_without_the_first_weights_nothing_is_kept_and_it_says_so(remembered):
    _, job, place, memory, _ = remembered()
    train(job, [memory, Checkpoint(place)], interrupted=lambda step: step == 3)
    (place / FOLDER / FIRST).write_bytes(b"half of")
    before = read_archive(place)
    _, job, _, memory, said = remembered()
    assert train(job, [memory], resume=read_checkpoint(place / NAME, "")).status == "finished"
    assert said == ["no weights are kept: their distance from the first ones cannot be told"]
    assert read_archive(place) == before


def test_room_is_bounded(remembered):
    _, job, place, memory, _ = remembered(folder="free")
    train(job, [memory])
    free = read_archive(place)
    (size,) = {p.size for p in free.stored}
    assert len(free.stored) > 2
    _, job, place, memory, said = remembered(megabytes=2.5 * size / 1e6)
    train(job, [memory])
    archive = read_archive(place)
    assert [(p.step, p.value) for p in archive.points] == [(p.step, p.value) for p in free.points]
    assert len(archive.stored) == 2
    assert archive.best().value == free.best().value
    assert len([name for name in files(place) if name.startswith("step_")]) == 2
    _, job, place, memory, said = remembered(folder="none", megabytes=0.5 * size / 1e6)
    train(job, [memory])
    assert len(said) == 1
    assert said[0].startswith("no weights are kept: one set of them needs")
    assert [p.step for p in read_archive(place).points] == [p.step for p in free.points]


def test_on_a_full_disk_the_run_goes_on(remembered, monkeypatch):
    _, job, _, memory, said = remembered()

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("audition.observers.memory.write_durably", full)
    assert train(job, [memory]).status == "finished"
    assert any("no weights were kept at step 1: No space left" in sentence for sentence in said)

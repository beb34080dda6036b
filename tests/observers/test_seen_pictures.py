"""Held-out pictures and what a model says of them: by hand, and no bit of a run changed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from audition.errors import AuditionError
from audition.observers import seen_pictures
from audition.observers.seen_pictures import PicturesSeen, seen
from audition.recipe import tree
from audition.recipe.effect import Chain, Effect
from audition.records.seen_pictures import FILE, read_pictures
from audition.session import begin
from audition.training.loop import train

DIGITS = ("experiment=digits", "data.batch_size=16", "budget.steps=6", "training.evaluations=2")


def watched(job, folder, said=None):
    return PicturesSeen(folder, job.execution.context, (said if said is not None else []).append)


def test_what_is_shown_is_what_the_model_says(job_of, tmp_path):
    job = job_of("model.dropout=0.5", base=DIGITS)
    session = train(job, [watched(job, tmp_path)]).session
    found = read_pictures(tmp_path)
    assert (found.step, found.among, found.same, len(found.classes)) == (6, 500, 6, 12)
    (batch,) = session.batches.held_out()
    session.model.eval()
    with torch.no_grad():
        chances = session.model(batch.inputs).double().softmax(-1)
    right = chances[torch.arange(500), batch.targets]
    pixels = session.batches.pixels(batch.inputs).numpy()
    places = np.arange(6) * 500 // 6
    assert np.array_equal(found.pixels[:6], pixels[places])
    assert np.array_equal(found.classes[:6], batch.targets[places].numpy())
    assert np.array_equal(found.answers[:6], chances.argmax(-1)[places].numpy())
    np.testing.assert_allclose(found.sure[:6], chances.max(-1).values[places].numpy(), rtol=1e-6)
    np.testing.assert_allclose(found.wrong[:6], 1 - right[places].numpy(), rtol=1e-6)
    worst = [
        i for i in (1 - right).argsort(descending=True, stable=True).tolist() if i not in places
    ]
    assert np.array_equal(found.pixels[6:], pixels[worst[:6]])
    assert found.names.tolist() == list("0123456789")


def test_no_bit_of_a_run_is_changed(job_of, tmp_path, differences):
    words = ("model=resnet20", "model.width=4", "model.blocks=1", "preset=ema")
    job = job_of(*words, base=DIGITS)
    alone, looked = train(job).session, train(job, [watched(job, tmp_path)]).session
    assert not differences(alone.model.state_dict(), looked.model.state_dict())
    assert alone.evaluations[-1].metrics == looked.evaluations[-1].metrics


class AtStart(Effect):
    """Evaluators see the first weights of the run."""

    def init(self, params, streams):
        return tree.clone(params)

    def moments(self):
        return frozenset({"on_evaluation"})

    def on_evaluation(self, params, state, view):
        return state


def test_the_weights_are_those_that_were_evaluated(job_of, tmp_path):
    plain = job_of(base=DIGITS)
    job = replace(plain, recipe=replace(plain.recipe, effects=Chain({"kept": AtStart()})))
    train(job, [watched(job, tmp_path)])
    start = seen(begin(job.recipe, 42, "cpu"), job.execution.context)
    assert read_pictures(tmp_path).wrong.tolist() == start.wrong.tolist()


def test_few_held_out_pictures_are_all_looked_at_and_none_is_shown_twice(job_of, monkeypatch):
    job = job_of(base=DIGITS)
    session = begin(job.recipe, 1, "cpu")
    monkeypatch.setattr(seen_pictures, "AMONG", 4)
    found = seen(session, job.execution.context)
    assert (found.among, found.same, len(found.classes)) == (4, 4, 4)
    assert found.wrong.min() >= 0.0
    assert found.wrong.max() <= 1.0


def test_a_run_of_text_leaves_no_file(job_of, tmp_path):
    job = job_of()
    train(job, [watched(job, tmp_path)])
    assert not list(tmp_path.iterdir())
    assert read_pictures(tmp_path) is None


def test_a_full_disk_costs_the_file_and_is_said_once(job_of, tmp_path, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(seen_pictures, "write_whole", full)
    job, said = job_of(base=DIGITS), []
    assert train(job, [watched(job, tmp_path, said)]).status == "finished"
    assert said == ["no held-out pictures are kept: No space left on device"]


@pytest.mark.parametrize("content", [b"", b"nothing", None])
def test_a_damaged_file_is_told_in_a_sentence(job_of, tmp_path, content):
    whole = seen(begin(job_of(base=DIGITS).recipe, 1, "cpu"), job_of().execution.context).saved()
    (tmp_path / FILE).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(AuditionError, match=r"pictures\.npz cannot be read"):
        read_pictures(tmp_path)


def test_pickled_objects_are_never_read(tmp_path):
    np.savez(tmp_path / FILE, pixels=np.array([{}], dtype=object))
    with pytest.raises(AuditionError, match=r"pictures\.npz cannot be read"):
        read_pictures(tmp_path)

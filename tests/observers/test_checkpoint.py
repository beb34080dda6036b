"""Checkpoints: the last two, whole; a bad one is refused, and no disk can stop a run."""

import errno
import math
import os

import pytest
import torch
from taking_up import train_on

from audition.observers.checkpoint import (
    NAME,
    PREVIOUS,
    Checkpoint,
    Refused,
    discard_checkpoints,
    kept,
    read_checkpoint,
)
from audition.observers.observer import Observer
from audition.training.loop import train

OFTEN = {"minutes": 1e-9, "share": math.inf}
"""After every step."""

KEY = "0123"


def stopped_at(step):
    return lambda now: now == step


@pytest.fixture
def two(job_of, tmp_path):
    """A folder with the checkpoints of steps 3 and 4, and the job they are of."""
    job = job_of("model.dropout=0.1")

    class Kept(Checkpoint):
        def on_end(self, session, status):
            pass

    train(job, [Kept(tmp_path, KEY, **OFTEN)], interrupted=stopped_at(4))
    return tmp_path, job


def resumed(folder, job, key=KEY):
    """The steps a resumed run makes, what was said, and how it ended."""
    steps, said = [], []

    class Steps(Observer):
        def on_step(self, session, report):
            steps.append(session.step)

    never = stopped_at(None)
    outcome = train_on(job, [Steps()], folder=folder, key=key, say=said.append, interrupted=never)
    return steps, said, outcome


def test_by_the_clock_and_the_one_before_is_kept(two):
    folder, _ = two
    assert [path.name for path in kept(folder)] == [NAME, PREVIOUS]
    assert [read_checkpoint(path, KEY)["step"] for path in kept(folder)] == [4, 3]
    discard_checkpoints(folder)
    assert not list(folder.iterdir())


def test_between_the_times_there_is_none(job_of, tmp_path):
    train(job_of(), [Checkpoint(tmp_path, minutes=60.0)])
    assert not list(tmp_path.iterdir())


def test_a_good_one_is_gone_on_from_without_a_word(two):
    assert resumed(*two)[:2] == ([5, 6], [])


def cut(content):
    return content[: len(content) // 2]


def turned(content):
    """One bit of a weight, which torch.load does not notice."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


SPOILT = [
    (cut, "is not whole"),
    (turned, "is damaged"),
    (lambda content: b"", "is not whole"),
    (lambda content: b"not a checkpoint at all" * 9, "is not whole"),
]


@pytest.mark.parametrize(("spoil", "why"), SPOILT)
def test_a_bad_one_is_refused_and_the_one_before_leads_to_the_same_end(
    two, spoil, why, differences, weights_of
):
    folder, job = two
    whole = train(job)
    (folder / NAME).write_bytes(spoil((folder / NAME).read_bytes()))
    with pytest.raises(Refused, match=why):
        read_checkpoint(folder / NAME, KEY)
    steps, said, outcome = resumed(folder, job)
    assert steps == [4, 5, 6]
    assert said == [f"{NAME} {why}: going on from {PREVIOUS}, step 3"]
    assert not differences(weights_of(outcome), weights_of(whole))
    # It is out of the way of the next checkpoint, which would have made it the one before.
    assert sorted(path.name for path in folder.iterdir()) == [PREVIOUS, "checkpoint.refused"]


def test_two_bad_ones_are_the_start(two):
    folder, job = two
    for path in kept(folder):
        path.write_bytes(cut(path.read_bytes()))
    steps, said, _ = resumed(folder, job)
    assert steps == [1, 2, 3, 4, 5, 6]
    assert said == [f"{NAME} is not whole; {PREVIOUS} is not whole: beginning from the start"]


def test_another_runs_is_refused(two, job_of):
    folder, job = two
    steps, (said,), _ = resumed(folder, job, key="4567")
    assert steps == [1, 2, 3, 4, 5, 6]
    assert said.startswith(f"{NAME} is of another run; ")


def test_another_models_is_refused_whatever_key_it_bears(two, job_of):
    steps, (said,), _ = resumed(two[0], job_of("model.width=48"))
    assert steps == [1, 2, 3, 4, 5, 6]
    assert said.startswith(f"{NAME} is of a model with other parameters; ")


def test_a_strangers_is_refused(two):
    folder, _ = two
    torch.save({"model": {}}, folder / NAME)
    with pytest.raises(Refused, match="was not written by this version of Audition"):
        read_checkpoint(folder / NAME, KEY)


def test_another_torch_is_said(two):
    folder, job = two
    snapshot = read_checkpoint(folder / NAME, KEY)
    torch.save({**snapshot, "torch": "1.0"}, folder / NAME)
    steps, (said,), _ = resumed(folder, job)
    assert steps == [5, 6]
    assert "was written by torch 1.0" in said


def test_a_full_disk_costs_checkpoints_and_not_the_run(two, monkeypatch):
    folder, job = two
    before = {path: path.read_bytes() for path in kept(folder)}
    fsync = os.fsync

    def full(descriptor):
        if writing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    said, writing = [], True
    outcome = train(job, [Checkpoint(folder, KEY, said.append, **OFTEN)])
    assert outcome.status == "finished"
    assert said == ["no checkpoint at step 1: No space left on device"]  # once, not at every step
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    writing = False
    train(job, [Checkpoint(folder, KEY, said.append, **OFTEN)])
    assert read_checkpoint(folder / NAME, KEY)["step"] == 6
    assert len(said) == 1


@pytest.mark.parametrize("dies_after", [0, 1, 2])
def test_whenever_it_dies_a_good_one_is_left(two, monkeypatch, dies_after):
    """A process that ends between any two of the renames leaves a checkpoint of step 4 or 5."""
    folder, job = two
    replace, renames = os.replace, []

    class Dies(BaseException):
        pass

    def dying(old, new):
        if len(renames) == dies_after:
            raise Dies
        renames.append(new)
        replace(old, new)

    snapshot = read_checkpoint(folder / NAME, KEY)
    monkeypatch.setattr(os, "replace", dying)
    ending = stopped_at(5)
    observers = [Checkpoint(folder, KEY)]
    if dies_after < 2:
        with pytest.raises(Dies):
            train(job, observers, resume=snapshot, interrupted=ending)
    else:
        train(job, observers, resume=snapshot, interrupted=ending)
    assert [read_checkpoint(path, KEY)["step"] for path in kept(folder)] == [[4, 3], [4], [5, 4]][
        dies_after
    ]

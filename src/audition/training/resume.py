"""Resumes a run from its last good checkpoint, and reports the ones that were refused."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from audition.observers.checkpoint import Refused, Say, Snapshot, kept, read_checkpoint, set_aside
from audition.observers.observer import Observer
from audition.session import Session, Unfit
from audition.training.job import Job, Outcome
from audition.training.loop import train


class _Opening(Observer):
    """Reports refused checkpoints and sets them aside, once the run has begun.

    Not before: a run that is killed until then would find them gone and never report them.
    """

    def __init__(self, say: Say, sentences: Sequence[str], refused: Sequence[Path]) -> None:
        self.say, self.sentences, self.refused = say, sentences, refused

    def on_start(self, session: Session, steps: int | None) -> None:
        for sentence in self.sentences:
            self.say(sentence)
        for path in self.refused:
            set_aside(path)


def train_on(
    job: Job,
    observers: Sequence[Observer],
    *,
    folder: Path,
    key: str,
    say: Say,
    interrupted: Callable[[int], bool],
    recall: Callable[[Snapshot | None], None] = lambda snapshot: None,
) -> Outcome:
    """Train `job` on from the newest checkpoint in `folder` that fits it, else from the start.

    recall: called before the run begins, with the snapshot it begins from, None for the start.
    """
    refused: dict[Path, str] = {}

    def begin(words: str, resume: Snapshot | None) -> Outcome:
        whys = "; ".join(f"{path.name} {why}" for path, why in refused.items())
        said = [f"{whys}: {words}"] if refused else []
        if resume is not None and resume["torch"] != str(torch.__version__):
            said.append(
                f"the checkpoint of step {resume['step']} was written by torch {resume['torch']}, and "
                f"the run went on under {torch.__version__}: its bits may differ from a run in one go"
            )
        opening = _Opening(say, said, list(refused) if job.team.rank == 0 else ())
        recall(resume)
        return train(job, [opening, *observers], resume=resume, interrupted=interrupted)

    read: Callable[[Path, str], Snapshot] = read_checkpoint
    if job.team.sharded:
        from audition.observers.sharded_checkpoint import read_shards

        read = partial(read_shards, team=job.team)
    for path in kept(folder):
        try:
            snapshot = read(path, key)
            return begin(f"going on from {path.name}, step {snapshot['step']}", snapshot)
        except (Refused, Unfit) as why:
            refused[path] = str(why)
    return begin("beginning from the start", None)

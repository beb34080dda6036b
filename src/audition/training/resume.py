"""Opens a run at its last good checkpoint, and reports the ones that were refused."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from audition.observers.checkpoint import Refused, Say, Snapshot, kept, read_checkpoint, set_aside
from audition.observers.observer import Observer
from audition.session import Session, Unfit
from audition.training.job import Job
from audition.training.loop import opened


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


def reopened(
    job: Job, *, folder: Path, key: str, say: Say
) -> tuple[Session, Observer, Snapshot | None]:
    """The session of `job` from the newest checkpoint in `folder` that fits it, else at its start.

    With it an observer that reports what was refused, and the snapshot (None for the start).
    """
    refused: dict[Path, str] = {}

    def opening(words: str, resume: Snapshot | None) -> Observer:
        whys = "; ".join(f"{path.name} {why}" for path, why in refused.items())
        said = [f"{whys}: {words}"] if refused else []
        if resume is not None and resume["torch"] != str(torch.__version__):
            said.append(
                f"the checkpoint of step {resume['step']} was written by torch {resume['torch']}, and "
                f"the run went on under {torch.__version__}: its bits may differ from a run in one go"
            )
        return _Opening(say, said, list(refused) if job.team.rank == 0 else ())

    read: Callable[[Path, str], Snapshot] = read_checkpoint
    if job.team.sharded:
        from audition.observers.sharded_checkpoint import read_shards

        read = partial(read_shards, team=job.team)
    for path in kept(folder):
        try:
            snapshot = read(path, key)
            session = opened(job, snapshot)
        except (Refused, Unfit) as why:
            refused[path] = str(why)
        else:
            words = f"going on from {path.name}, step {snapshot['step']}"
            return session, opening(words, snapshot), snapshot
    return opened(job), opening("beginning from the start", None), None

"""Writes `pictures.npz`: held-out pictures and what the model says of them, at each evaluation."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from audition.observers.observer import Observer
from audition.plain_file import write_whole
from audition.recipe.batches import Batch
from audition.recipe.problem import Predict
from audition.records.seen_pictures import FILE, SeenPictures
from audition.session import Evaluation, Session

AMONG = 1024
"""Held-out pictures that are looked at, spread evenly."""
SAME, WORST = 6, 6
"""Pictures that every run of a set shows, and those that this one is most wrong about."""


class PicturesSeen(Observer):
    """Nothing for rows that are no pictures, and where no single process has the weights.

    It looks with the weights that the evaluators saw, and an evaluation replaces the file of the one
    before. A full disk costs the file, never the run.
    """

    def __init__(
        self,
        folder: Path,
        context: Callable[[], AbstractContextManager[object]],
        say: Callable[[str], None],
    ) -> None:
        self.path, self.context, self.say = folder / FILE, context, say
        self.said = False

    def on_start(self, session: Session, steps: int | None) -> None:
        parted = any(hasattr(weight, "full_tensor") for weight in session.params.values())
        self.shows = session.batches.shape.pictures is not None and not parted

    def on_evaluated(self, session: Session, evaluation: Evaluation) -> None:
        if not self.shows or self.said:
            return
        content = seen(session, self.context).saved()
        try:
            write_whole(self.path, content)
        except OSError as error:
            self.said = True
            self.say(f"no held-out pictures are kept: {error.strerror or error}")


@torch.no_grad()
def seen(session: Session, context: Callable[[], AbstractContextManager[object]]) -> SeenPictures:
    """What the model says of the pictures to show."""
    batches = list(session.batches.held_out())
    ends = np.cumsum([0, *(batch.rows for batch in batches)])
    chosen = spread(AMONG, int(ends[-1]))
    parts = [
        batch.cut(torch.from_numpy(chosen[(chosen >= first) & (chosen < end)] - first))
        for batch, first, end in zip(batches, ends, ends[1:], strict=False)
    ]
    logits = torch.cat([_logits(session, part, context) for part in parts])  # [AMONG, V]
    classes = torch.cat([part.targets for part in parts])
    chances = logits.double().softmax(-1)
    sure, answers = chances.max(-1)
    wrong = 1.0 - chances.gather(1, classes[:, None])[:, 0]
    fixed = spread(SAME, len(chosen))
    others = [
        row for row in wrong.argsort(descending=True, stable=True).tolist() if row not in fixed
    ]
    rows = torch.tensor([*fixed.tolist(), *others[:WORST]])
    pictures = session.batches.shape.pictures
    assert pictures is not None, "there are pictures to be shown"
    inputs = torch.cat([part.inputs for part in parts])[rows]
    return SeenPictures(
        pictures.pixels(inputs).numpy(),
        classes[rows].numpy(),
        answers[rows].numpy(),
        sure[rows].numpy(),
        wrong[rows].numpy(),
        np.array(pictures.names[: logits.shape[1]]),
        len(fixed),
        len(chosen),
        session.step,
    )


def spread(most: int, many: int) -> NDArray[np.int64]:
    """At most so many places of `many`, at equal distances."""
    few = min(most, many)
    return np.arange(few) * many // few


def _logits(
    session: Session, batch: Batch, context: Callable[[], AbstractContextManager[object]]
) -> torch.Tensor:
    """[B, V], in evaluation mode, on the CPU."""
    modules = [m for m in (session.model, session.loss) if m is not None]
    training = [module.training for module in modules]
    for module in modules:
        module.eval()
    try:
        device = next(session.model.parameters()).device.type
        with context():
            return Predict(session.model, session.loss)(batch.to(device)).cpu()
    finally:
        for module, was in zip(modules, training, strict=True):
            module.train(was)

"""One run of the ledger that is to be published: its model with the weights that it ended with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from audition.errors import AuditionError
from audition.parts.gpt import GPT
from audition.recipe.streams import Streams
from audition.recipe.weights import Kept
from audition.records.find import find_run
from audition.records.record import Record
from audition.records.store import Contents, Ledger
from audition.training.build import build
from audition.training.derive import check_evaluated
from audition.training.job import Job
from audition.training.parents import settings_at, weights_of
from audition.training.run import again
from audition.training.teacher import restored


@dataclass(frozen=True)
class Published:
    """A trained run, and what a reader of its model needs."""

    ledger: Ledger
    record: Record
    settings: Mapping[str, Any]
    job: Job
    kept: Kept
    model: nn.Module

    @property
    def name(self) -> str:
        """`spectral_gate seed 42`."""
        return f"{self.record.arm} seed {self.record.seed}"

    @property
    def typed(self) -> tuple[str, ...]:
        """What was typed for it, without the folders of its machine."""
        return without_folders(self.record.overrides)

    @property
    def batches(self) -> Any:
        """The data that it was trained on, with its tokenizer."""
        return self.job.recipe.data(Streams(self.job.seed))


def without_folders(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a command but those that name a folder of the machine it ran on."""
    own = re.compile(r"\+{0,2}(paths\.|hydra\.(run|sweep)\.(sub)?dir=)")
    return tuple(word for word in words if not own.match(word))


def trained_run(ledger: Ledger, contents: Contents, word: str) -> Record:
    """The finished run that `word` names among those that were trained: the newest of its name.

    Raises AuditionError where there is none.
    """
    newest = {
        (record.arm, record.seed): record
        for record in sorted(contents.records, key=lambda record: record.started)
        if not record.parent
    }
    trained = Contents(tuple(newest.values()), contents.unreadable)
    by_name = {f"{record.arm}/{record.seed}" for record in newest.values()}
    record = find_run(ledger, trained if word in by_name else contents, word)
    if record.parent:
        raise AuditionError(
            f"{record.arm} seed {record.seed} was made of {record.parent['place']} by deploy=: name "
            "the run that was trained"
        )
    if record.status != "finished":
        raise AuditionError(
            f"{record.arm} seed {record.seed} is {record.status}: only a finished run can be published"
        )
    return record


def published(ledger: Ledger, record: Record, allowed: tuple[str, ...]) -> Published:
    """The run of `record` with the weights that it kept, or that come out the same trained again.

    Raises AuditionError where they cannot be had, where other weights than the last were evaluated,
    and for what is no language model of one text.
    """
    settings = settings_at(ledger, record, allowed)
    plain = {**settings["execution"], "checkpoint_activations": "none", "compile": False}
    job = build({**settings, "execution": plain})
    check_evaluated(job)
    kept = weights_of(ledger, record, allowed, partial(again, lambda step: False))
    model = restored(job, kept).float().eval().requires_grad_(False)
    found = Published(ledger, record, settings, job, kept, model)
    if not isinstance(model, GPT) or not hasattr(found.batches, "tokenizer"):
        raise AuditionError(
            f"{found.name} is no language model of one text, which is what can be published: its "
            f"model is a {type(model).__name__}"
        )
    if any(name.startswith("loss.") for name in kept.tensors):
        raise AuditionError(
            f"{found.name} predicts with weights of its loss, which are not in the model: publish an "
            "arm without them"
        )
    return found

"""A sample of text from a language model that has been trained, in a file beside its record."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from audition.observers.observer import Observer
from audition.plain_file import write_whole
from audition.recipe.batches import Batch
from audition.recipe.problem import Predict
from audition.records.contents import SAMPLE

if TYPE_CHECKING:
    from audition.session import Evaluation, Session

MARK = "\n----- what follows is the model's -----\n"
"""Between the held-out text that it was given and what it made of it."""


class Sample(Observer):
    """Goes on with the first held-out window for `tokens` tokens, drawn at temperature 1.

    Draws are the run's own, by seed, and no other one moves. It sees the weights that the last
    evaluation saw. Data without text, and weights that are parted among processes, give no sample.
    """

    def __init__(self, folder: Path, tokens: int) -> None:
        self.folder, self.tokens = folder, tokens
        self.steps: int | None = None

    def on_start(self, session: "Session", steps: int | None) -> None:
        self.steps = steps

    def on_evaluated(self, session: "Session", evaluation: "Evaluation") -> None:
        if self.tokens and (self.steps is None or session.step >= self.steps):
            text = sampled(session, self.tokens)
            if text is not None:
                write_whole(self.folder / SAMPLE, text)


def sampled(session: "Session", tokens: int) -> str | None:
    """The first held-out window and what the model goes on with; None where there is no text."""
    tokenizer: Any = getattr(session.batches, "tokenizer", None)
    parted = any(hasattr(weight, "full_tensor") for weight in session.model.parameters())
    if tokenizer is None or parted:
        return None
    window = next(iter(session.batches.held_out(1))).cut(slice(0, 1))
    ids: list[int] = window.inputs[0].tolist()
    context = len(ids)
    device = next(session.model.parameters()).device.type
    generator = session.streams.generator("sample", session.step)
    with _in_evaluation(session.model, session.loss), torch.no_grad():
        predict = Predict(session.model, session.loss)
        for _ in range(tokens):
            inputs = torch.tensor([ids[-context:]])
            batch = Batch(inputs, inputs, window.ids, window.groups).to(device)
            chances = predict(batch)[0, -1].float().softmax(-1).cpu()
            # A vocabulary may be wider than the tokenizer's, to match a published size.
            drawn = torch.multinomial(chances[: tokenizer.size], 1, generator=generator)
            ids.append(int(drawn))
    return f"{tokenizer.decode(ids[:context])}{MARK}{tokenizer.decode(ids[context:])}\n"


@contextmanager
def _in_evaluation(*modules: nn.Module | None) -> Iterator[None]:
    training = [(module, module.training) for module in modules if module is not None]
    for module, _ in training:
        module.eval()
    try:
        yield
    finally:
        for module, was in training:
            module.train(was)

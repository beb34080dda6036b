"""Perplexity per word of the text, whatever its tokens are: what papers on WikiText-103 report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.recipe.evaluator import Evaluator, HeldOut

SPACE = " \t\n\r\v\f"
"""What sets words apart, as `bytes.split()` has it."""


@dataclass(frozen=True, kw_only=True)
class Words(Evaluator):
    """`perplexity` = exp(nats of all held-out tokens / words of their text).

    Words are those of the raw text at whitespace, and each end of a line is one more (Merity et al.
    2017: `line.split() + ["<eos>"]`), however many tokens they are made of. They are counted in
    the text that is predicted, exactly, also where windows are a part of it. Published numbers on
    WikiText-103 count the ends of empty lines too, which its rows here do not have, and are of
    267,735 words, of which others are `<unk>`.
    """

    measures: ClassVar = {"perplexity": ("perplexity per word", "", "lower")}

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        known = getattr(held_out.batches, "token_texts", None)
        if known is None:
            raise AuditionError(
                "this data has no text: a perplexity per word needs to know what its tokens say"
            )
        marks = Marks(known(), held_out.device)
        totals = torch.zeros(2, dtype=torch.float64, device=held_out.device)
        for batch, logits in held_out.passes():
            nats = F.cross_entropy(
                logits.flatten(0, -2), batch.targets.flatten(), reduction="none"
            ).double()
            totals += torch.stack([nats.sum(), marks.count(batch.inputs, batch.targets).double()])
        nats_in_all, words = held_out.sum(totals)
        return {"perplexity": float((nats_in_all / words).exp())}


class Marks:
    """Where words begin within tokens, and from one to the next."""

    def __init__(self, texts: Sequence[str], device: str) -> None:
        def table(values: Sequence[int]) -> Tensor:
            return torch.tensor(values, device=device)

        self.within = table([_begun(text) + text.count("\n") for text in texts])
        self.opens = table([bool(text) and text[0] not in SPACE for text in texts])
        self.closes = table([bool(text) and text[-1] in SPACE for text in texts])

    def count(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Words that begin in `targets`, each after the same place of `inputs`, and ends of lines."""
        across = self.opens[targets] & self.closes[inputs]
        return self.within[targets].sum() + across.sum()


def _begun(text: str) -> int:
    """Words that begin in `text` behind its first character."""
    return sum(a in SPACE and b not in SPACE for a, b in pairwise(text))

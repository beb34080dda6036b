"""Validation of a language model: plain cross-entropy, per token and per byte of text."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.recipe.batches import Batch
from audition.recipe.evaluator import Episode, Evaluator, HeldOut


class NextToken(Evaluator):
    """`loss` in nats per token and `bpb` in bits per UTF-8 byte, each over all held-out tokens.

    Where the batches tell domains apart, also over those of each: `loss_<domain>`, `bpb_<domain>`.
    Needs batches that know `byte_lengths()`: [V] int64, the bytes that each token id stands for.
    """

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        return self.over(held_out, held_out.passes())

    def over(self, held_out: HeldOut, passes: Iterable[tuple[Batch, Tensor]]) -> dict[str, float]:
        """The measures over `passes`: batches of `held_out`, each with its logits."""
        known = getattr(held_out.batches, "byte_lengths", None)
        if known is None:
            raise AuditionError(
                "this data has no text: bits per byte need to know how long each token is"
            )
        lengths: Tensor = known().to(held_out.device)  # [V]
        domains = held_out.batches.domains
        totals = torch.zeros(1 + len(domains), 3, dtype=torch.float64, device=held_out.device)
        for batch, logits in passes:
            losses = F.cross_entropy(
                logits.flatten(0, -2), batch.targets.flatten(), reduction="none"
            )
            # Summed in float64: the mean must not depend on how the windows were batched.
            nats, size = losses.double(), lengths[batch.targets].flatten()
            totals[0] += _sums(nats, size)
            for i in range(len(domains)):
                own = (batch.groups == i).repeat_interleave(batch.targets[0].numel())
                totals[1 + i] += _sums(nats[own], size[own])
        found: dict[str, float] = {}
        for name, (nats_in_all, bytes_in_all, tokens) in zip(
            ("", *(f"_{domain}" for domain in domains)), held_out.sum(totals).tolist(), strict=True
        ):
            found[f"loss{name}"] = nats_in_all / tokens
            found[f"bpb{name}"] = nats_in_all / math.log(2) / bytes_in_all
        return found


class PerByte(NextToken):
    """The measures per byte alone, which compare whatever the tokens are."""

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        return {name: bits for name, bits in super().__call__(held_out).items() if "bpb" in name}


@dataclass(frozen=True, kw_only=True)
class Dynamic(NextToken):
    """Each piece of a document is scored, and *then* learned (Krause et al. 2018).

    `plain_loss` is the loss of the same pieces without learning. Needs batches that have
    `documents()`: the pieces of each document in their order.
    """

    rate: float
    steps: int
    reset: bool

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        documents: Iterable[Iterable[Batch]] = getattr(held_out.batches, "documents")()  # noqa: B009
        read: Iterable[Episode] = (chain.from_iterable(map(in_turn, each)) for each in documents)
        episodes = read if self.reset else [chain.from_iterable(read)]
        scored = held_out.adapted(episodes, rate=self.rate, steps=self.steps)
        found = self.over(held_out, ((batch, logits) for _, batch, logits in scored))
        return {**found, "plain_loss": super().__call__(held_out)["loss"]}


def in_turn(piece: Batch) -> tuple[tuple[Literal["learn", "score"], Batch], ...]:
    """What happens to a piece of a document: first it is scored. The other way round its own words
    would have been learned before they are asked for."""
    return ("score", piece), ("learn", piece)


def _sums(nats: Tensor, size: Tensor) -> Tensor:
    """[nats, bytes, tokens] of some predictions."""
    return torch.stack([nats.sum(), size.sum().double(), nats.new_tensor(nats.numel())])

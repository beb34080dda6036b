"""Validation of a language model: plain cross-entropy, per token and per byte of text."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.recipe.evaluator import Evaluator, HeldOut


class NextToken(Evaluator):
    """`loss` in nats per token and `bpb` in bits per UTF-8 byte, each over all held-out tokens.

    Where the batches tell domains apart, also over those of each: `loss_<domain>`, `bpb_<domain>`.
    Needs batches that know `byte_lengths()`: [V] int64, the bytes that each token id stands for.
    """

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        known = getattr(held_out.batches, "byte_lengths", None)
        if known is None:
            raise AuditionError(
                "this data has no text: bits per byte need to know how long each token is"
            )
        lengths: Tensor = known().to(held_out.device)  # [V]
        domains = held_out.batches.domains
        totals = torch.zeros(1 + len(domains), 3, dtype=torch.float64, device=held_out.device)
        for batch, logits in held_out.passes():
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


def _sums(nats: Tensor, size: Tensor) -> Tensor:
    """[nats, bytes, tokens] of some predictions."""
    return torch.stack([nats.sum(), size.sum().double(), nats.new_tensor(nats.numel())])

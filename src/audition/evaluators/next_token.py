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

    Needs batches that know `byte_lengths()`: [V] int64, the bytes that each token id stands for.
    """

    def __call__(self, held_out: HeldOut) -> Mapping[str, float]:
        known = getattr(held_out.batches, "byte_lengths", None)
        if known is None:
            raise AuditionError(
                "this data has no text: bits per byte need to know how long each token is"
            )
        lengths: Tensor = known().to(held_out.device)  # [V]
        totals = torch.zeros(3, dtype=torch.float64, device=held_out.device)
        for batch, logits in held_out.passes():
            losses = F.cross_entropy(
                logits.flatten(0, -2), batch.targets.flatten(), reduction="none"
            )
            # Summed in float64: the mean must not depend on how the windows were batched.
            nats, size = losses.double().sum(), lengths[batch.targets].sum()
            totals += torch.stack([nats, size.double(), totals.new_tensor(batch.units)])
        nats_in_all, bytes_in_all, tokens = held_out.sum(totals).tolist()
        return {
            "loss": nats_in_all / tokens,
            "bpb": nats_in_all / math.log(2) / bytes_in_all,
        }

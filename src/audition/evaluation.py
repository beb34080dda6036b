"""The measure of a run: plain cross-entropy over one full pass of the fixed held-out windows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from audition.execution import Execution
from audition.parallel.team import ALONE, Team
from audition.recipe.signals import Batches

AT_ONCE = {"cpu": 2048, "cuda": 16384}
"""Tokens of a batch: what stays in a core's cache, and what keeps a card busy. The loss does not
depend on it."""


@dataclass(frozen=True)
class HeldOut:
    """`loss` in nats per token and `bpb` in bits per UTF-8 byte, each over all held-out tokens."""

    execution: Execution = field(default_factory=Execution)
    team: Team = ALONE

    def __call__(self, model: nn.Module, batches: Batches) -> Mapping[str, float]:
        device = self.execution.device
        lengths = batches.byte_lengths().to(device)  # [V]
        nats = torch.zeros((), dtype=torch.float64, device=device)
        count = torch.zeros((), dtype=torch.int64, device=device)
        tokens = torch.zeros((), dtype=torch.float64, device=device)
        for batch in self.team.share(batches.held_out(AT_ONCE[device])):
            batch = batch.to(device)
            with self.execution.context():
                logits = model(batch.inputs)  # [B, T, V]
            # Summed in float64: the mean must not depend on how the windows were batched.
            losses = F.cross_entropy(
                logits.float().flatten(0, 1), batch.targets.flatten(), reduction="none"
            )
            nats += losses.double().sum()
            count += lengths[batch.targets].sum()
            tokens += batch.units
        ours = torch.stack([nats, count.double(), tokens])
        total, size, predicted = self.team.sum(ours).tolist()
        return {"loss": total / predicted, "bpb": total / math.log(2) / size}

"""What units respond to, as tensors: mean responses by token, their spread, likeness and drift.

Shape suffixes: N positions of the probe set, U tokens that are told apart, H units, C channels,
K classes, V vocabulary.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audition.recipe.units import Units

PIECE = 1 << 22
"""The most logits that are computed at once."""


@dataclass(frozen=True)
class Groups:
    """Which token each position reads: `ids` [U], `of` [N] their places in it, `counts` [U]."""

    ids: Tensor
    of: Tensor
    counts: Tensor

    @classmethod
    def by_token(cls, inputs: Tensor) -> "Groups":
        """Of token ids of any shape."""
        flat = inputs.flatten()
        ids, of, counts = torch.unique(flat, return_inverse=True, return_counts=True)
        return cls(ids, of, counts)

    def mean(self, h: Tensor) -> Tensor:
        """The mean of |h| [N, H] over the positions of each token, [U, H] float32."""
        total = h.new_zeros(len(self.ids), h.shape[1], dtype=torch.float32)
        return total.index_add_(0, self.of, h.abs().float()) / self.counts[:, None]


def responses(
    model: nn.Module, sites: Mapping[str, Units], inputs: Tensor, groups: Groups
) -> dict[str, Tensor]:
    """Site -> mean response of each unit to each token, [U, H], by one pass in evaluation mode.

    Nothing is drawn and nothing of the model changes. Sites whose units are not read at every
    position (experts, which see some of the tokens) are left out.
    """
    found: dict[str, Tensor] = {}

    def keep(site: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def look(module: nn.Module, given: tuple[Tensor, ...]) -> None:
            h = given[0].flatten(0, -2)
            if len(h) == len(groups.of):
                found[site] = groups.mean(h)

        return look

    hooks = [
        model.get_submodule(units.read_by).register_forward_pre_hook(keep(name))
        for name, units in sites.items()
        if units.read_by
    ]
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model(inputs)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return found


def shares(response: Tensor) -> Tensor:
    """Responses [U, H] as shares that add up to 1 for each unit; even ones for a silent unit."""
    total = response.sum(0)
    even = torch.full_like(response, 1.0 / len(response))
    return torch.where(total > 0, response / total.clamp(min=1e-30), even)


def effective(share: Tensor) -> Tensor:
    """exp(entropy) of shares [U, H]: among how many tokens a unit's response is spread, [H]."""
    spread: Tensor = torch.special.entr(share).sum(0).exp()
    return spread


def by_class(response: Tensor, kinds: Tensor, many: int) -> Tensor:
    """The mean over the tokens of each class, of responses [U, H] and classes [U], [K, H]."""
    total = response.new_zeros(many, response.shape[1]).index_add_(0, kinds, response)
    counts: Tensor = torch.bincount(kinds, minlength=many).clamp(min=1)
    return total / counts[:, None]


def standard(response: Tensor) -> Tensor:
    """Responses [U, H] less their mean over tokens, of length 1; zeros for one that is even."""
    centred = response - response.mean(0)
    length: Tensor = centred.norm(dim=0).clamp(min=1e-12)
    return centred / length


def twins(standardised: Tensor) -> tuple[Tensor, Tensor]:
    """For each unit the largest correlation with another's responses, and whose; [H] each."""
    likeness = standardised.T @ standardised
    likeness.fill_diagonal_(-2.0)
    largest, which = likeness.max(1)
    return largest.clamp(-1.0, 1.0), which


def attribution(weight: Tensor, head: Tensor) -> tuple[Tensor, Tensor]:
    """The token whose logit each unit raises most directly, and by how much; [H] each.

    weight: what a unit adds to the stream, [C, H]; head: a row a token, [V, C]. Each unit's logits
    [V] are in standard deviations over the vocabulary. What later layers and the last norm make of
    it is left out.
    """
    most, which = [], []
    for piece in torch.split(weight, max(1, PIECE // len(head)), 1):
        logits = head @ piece
        spread = logits.std(0).clamp(min=1e-12)
        largest, token = logits.max(0)
        most.append((largest - logits.mean(0)) / spread)
        which.append(token)
    return torch.cat(which), torch.cat(most)

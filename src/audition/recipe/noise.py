"""Normal draws of the shapes of a tree, each tensor's from a stream of its own name."""

from collections.abc import Mapping

import torch
from torch import Tensor

from audition.recipe.signals import Tensors
from audition.recipe.streams import Streams


def normal(like: Tensors, streams: Streams, *address: str | int) -> Mapping[str, Tensor]:
    """Independent N(0, 1) entries for every tensor of `like`, where it is and of its type.

    A tensor more in the tree moves no other's draws. They are made on the CPU, so that a seed means
    one thing on every device, and copied to a card from pinned memory, for which nothing waits.

    Examples:
        >>> import torch
        >>> w = {"a": torch.zeros(2), "b": torch.zeros(3)}
        >>> both = normal(w, Streams(42), "noise", 7)
        >>> torch.equal(both["b"], normal({"b": w["b"]}, Streams(42), "noise", 7)["b"])
        True
    """
    found = {}
    for name, x in like.items():
        draws = torch.empty(x.shape, dtype=x.dtype, pin_memory=x.is_cuda)
        draws.normal_(generator=streams.generator(*address, name))
        found[name] = draws.to(x.device, non_blocking=True)
    return found

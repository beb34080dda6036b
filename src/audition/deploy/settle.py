"""The model as it is shipped: one map for queries, keys and values, a head of its own, float32."""

from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import nn

from audition.deploy.model import Deployed
from audition.deploy.stored import Plain, Stored
from audition.parts.attention.heads import Heads
from audition.parts.linear import Linear


@dataclass(frozen=True, kw_only=True)
class Settle:
    """Joins what attention concatenates whenever it is asked, and unties the head; the same logits.

    It comes first in every chain. Runtimes that replace linear maps see queries, keys and values
    only where they are one map, and skip a head that is the embedding.
    """

    def __call__(self, deployed: Deployed) -> Deployed:
        model, stored = deepcopy(deployed.model), dict(deployed.stored)
        for path, module in list(model.named_modules()):
            if isinstance(module, Heads) and not module.fused:
                _join(module, path, stored)
        head = getattr(model, "head", None)
        if isinstance(head, nn.Linear) and "head.weight" in stored:
            head.weight = nn.Parameter(head.weight.detach().clone())
            stored["head.weight"] = replace_of(stored["head.weight"])
        names = model.state_dict().keys()
        return Deployed(model, {name: stored[name] for name in names})


def replace_of(stored: Stored) -> Stored:
    """The same numbers as a tensor of their own."""
    return replace(stored) if isinstance(stored, Plain) else Plain(stored.dense())


def _join(module: Heads, path: str, stored: dict[str, Stored]) -> None:
    """Give `module` one map in the place of three, and `stored` its weights under the new name."""
    maps = [module.get_submodule(name) for name in ("q", "k", "v")]
    joint = Linear(module.sizes[0], sum(module.sizes), maps[0].bias is not None)
    for kind in ("weight", "bias"):
        parts = [stored.pop(f"{path}.{name}.{kind}", None) for name in ("q", "k", "v")]
        whole = [part.dense() for part in parts if part is not None]
        if whole:
            stored[f"{path}.qkv.{kind}"] = Plain(torch.cat(whole))
    for name in ("q", "k", "v"):
        delattr(module, name)
    module.qkv, module.fused = joint, True

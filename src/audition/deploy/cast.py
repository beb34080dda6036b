"""Weights in a narrower floating-point type."""

from dataclasses import dataclass, replace
from typing import Literal

import torch

from audition.deploy.model import Deployed
from audition.deploy.package import held
from audition.deploy.stored import Plain, Stored


@dataclass(frozen=True, kw_only=True)
class Round:
    """Every tensor that is stored whole, embeddings and norms too, in 2 bytes an entry.

    Computed with in float32, of which these are values.
    """

    to: Literal["bfloat16", "float16"] = "bfloat16"
    """The type: bfloat16 has float32's range and 8 bits of precision, float16 has 11."""

    def __call__(self, deployed: Deployed) -> Deployed:
        narrow = getattr(torch, self.to)
        made: dict[int, Stored] = {}
        for each in deployed.stored.values():
            if isinstance(each, Plain) and each.tensor.is_floating_point():
                made.setdefault(held(each), Plain(each.tensor.to(narrow)))
        stored = {name: made.get(held(old), old) for name, old in deployed.stored.items()}
        return replace(deployed, stored=stored) if made else deployed

"""The weights that a run ended with: their digest, and the file that keeps them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from audition.errors import AuditionError
from audition.plain_file import read_bytes
from audition.recipe import tree

FILE = "weights.safetensors"
"""In the folder of a run with `keep.weights`."""


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Thirty-two hex digits for the names and the bits of `tensors`, whatever order they are in.

    Where processes hold parts of them, all must ask, and each has the digits of the whole.
    """
    total = sha256()
    for name in sorted(tensors):
        flat = tree.whole(tensors[name].detach()).cpu().contiguous().reshape(-1)
        total.update(f"{name} {flat.dtype} {tuple(tensors[name].shape)}".encode())
        total.update(flat.view(torch.uint8).numpy().data)
    return total.hexdigest()[:32]


@dataclass(frozen=True)
class Kept:
    """Parameters and buffers by name, on the CPU, and the sites that were resized."""

    tensors: Mapping[str, Tensor]
    widths: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], widths: Mapping[str, int]) -> "Kept":
        """A copy, whole: where processes hold parts of `tensors`, all must ask."""
        whole = {n: tree.whole(x.detach()).cpu().contiguous().clone() for n, x in tensors.items()}
        return cls(whole, dict(widths))

    def content(self) -> bytes:
        """The file that holds them, in the format of safetensors.

        Examples:
            >>> kept = Kept({"w": torch.tensor([1.0, 2.0])}, {"blocks.0.feedforward": 2})
            >>> Kept.read(kept.content()).tensors["w"]
            tensor([1., 2.])
        """
        from safetensors.torch import save

        return save(dict(self.tensors), {"widths": json.dumps(dict(self.widths))})

    @classmethod
    def read(cls, content: bytes) -> "Kept":
        """What `content` made of; AuditionError, the end of a sentence, for anything else."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            tensors = load(content)
            length = int.from_bytes(content[:8], "little")
            header = json.loads(content[8 : 8 + length])
            widths = json.loads(header.get("__metadata__", {}).get("widths", "{}"))
        except (SafetensorError, ValueError) as error:
            raise AuditionError(f"is no whole file of weights ({error})") from None
        return cls(tensors, widths)


def read_kept(path: Path, expected: str) -> Kept:
    """The weights in the file `path`, whose digest is `expected`.

    Raises FileNotFoundError where there is none, and AuditionError for one that is damaged or
    holds other weights than the record says.
    """
    content = read_bytes(path)
    try:
        kept = Kept.read(content)
    except AuditionError as error:
        raise AuditionError(f"{path} {error}") from None
    if (found := digest(kept.tensors)) != expected:
        raise AuditionError(
            f"{path} holds other weights than its record says: their digest is {found[:8]}, and "
            f"the record's {expected[:8]}"
        )
    return kept

"""What a deployed model is shipped in: a file that is written, measured, read back and evaluated."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from torch import Tensor, nn

from audition.deploy.model import Deployed
from audition.deploy.stored import Plain, Stored, kind_of, read_back
from audition.errors import AuditionError
from audition.plain_file import write_whole


class Package(Protocol):
    """A file format with a runtime that reads it."""

    file: ClassVar[str]

    def write(self, deployed: Deployed, folder: Path, example: Tensor) -> Path:
        """Write `deployed` into `folder`; `example` are token ids [B, T]. Returns the file's path."""
        ...

    def read(self, deployed: Deployed, path: Path) -> nn.Module:
        """What the runtime makes of that file: a module of token ids [B, T] to logits [B, T, V]."""
        ...


@dataclass(frozen=True, kw_only=True)
class Torch:
    """One file of safetensors, computed by torch in float32, whatever it is stored in."""

    file: ClassVar[str] = "model.safetensors"
    runtime: ClassVar[tuple[str, ...]] = ("torch",)
    requires: ClassVar[tuple[str, ...]] = ()

    def write(self, deployed: Deployed, folder: Path, example: Tensor) -> Path:
        path = folder / self.file
        write_whole(path, as_file(deployed.stored))
        return path

    def read(self, deployed: Deployed, path: Path) -> nn.Module:
        return Deployed(deployed.model, from_file(path.read_bytes())).runnable()


def as_file(stored: Mapping[str, Stored]) -> bytes:
    """What is stored, as a file of safetensors; a tensor of several names is written once."""
    from safetensors.torch import save

    first: dict[int, str] = {}
    same = {name: first.setdefault(held(each), name) for name, each in stored.items()}
    tensors = {
        f"{name}{ending}": tensor
        for name in first.values()
        for ending, tensor in stored[name].content().items()
    }
    kinds = {name: kind_of(stored[name]) for name in first.values()}
    others = {name: of for name, of in same.items() if name != of}
    return save(tensors, {"kinds": json.dumps(kinds), "same": json.dumps(others)})


def held(stored: Stored) -> int:
    """What tells tensors apart that are stored; those that share one as it is are the same."""
    return id(stored.tensor if isinstance(stored, Plain) else stored)


def from_file(content: bytes) -> dict[str, Stored]:
    """What `as_file` wrote. Raises AuditionError for what it did not write."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        told = header["__metadata__"]
        kinds, same = json.loads(told["kinds"]), json.loads(told["same"])
    except (SafetensorError, ValueError, KeyError) as error:
        raise AuditionError(f"this is no deployed model ({error})") from None
    endings = ("", ".codes", ".steps", ".mask", ".values")
    found = {
        name: read_back(kind, {e: tensors[name + e] for e in endings if name + e in tensors})
        for name, kind in kinds.items()
    }
    return {**found, **{name: found[of] for name, of in same.items()}}


def deflated(content: bytes) -> int:
    """Bytes of `content` as zlib packs it at its hardest: what a codec makes of zeros and repeats."""
    return len(zlib.compress(content, 9))

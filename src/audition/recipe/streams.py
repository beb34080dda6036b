"""Named random streams: one seed, many independent generators, none of which can disturb another."""

from dataclasses import dataclass
from hashlib import sha256

import torch


@dataclass(frozen=True)
class Streams:
    """A place in the tree of random streams that grows from one seed.

    A stream is addressed by its path of names, so adding a stream, or drawing more from one, moves
    no other. Draws keyed by a step need no saved generator state to resume.

    Examples:
        >>> import torch
        >>> from audition import Streams
        >>> mine = Streams(42).child("ideas", "mine")
        >>> again = Streams(42, ("ideas", "mine"))
        >>> a = torch.rand(2, generator=mine.generator("noise", 7))
        >>> b = torch.rand(2, generator=again.generator("noise", 7))
        >>> bool((a == b).all())
        True
        >>> mine.number("noise", 7) == mine.number("noise", 8)
        False
    """

    seed: int
    path: tuple[str, ...] = ()

    def child(self, *names: str) -> "Streams":
        """The subtree under `names`; an idea is handed its own and can reach no other."""
        return Streams(self.seed, self.path + names)

    def number(self, *names: str | int) -> int:
        """A 63-bit number that depends on the seed and the whole path, and on nothing else."""
        address = "/".join(map(str, (self.seed, *self.path, *names)))
        return int.from_bytes(sha256(address.encode()).digest()[:8], "little") >> 1

    def generator(self, *names: str | int) -> torch.Generator:
        """A fresh CPU generator at the start of the stream `names`.

        Draws are made on the CPU and moved, so that one seed means one thing on every device.
        """
        return torch.Generator().manual_seed(self.number(*names))

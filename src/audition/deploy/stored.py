"""How one tensor lies in the file of a deployed model, and what it is once it is read.

Shape suffixes: R rows, N columns, G groups of a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import torch
from torch import Tensor


class Stored(Protocol):
    """One tensor as it is stored."""

    def dense(self) -> Tensor:
        """What is computed with, in float32."""
        ...

    def content(self) -> Mapping[str, Tensor]:
        """What is written, by the ending of its name."""
        ...


@dataclass(frozen=True)
class Plain:
    """A tensor as it is, in its own type: 4 bytes an entry in float32, 2 in bfloat16 and float16."""

    tensor: Tensor

    def dense(self) -> Tensor:
        return self.tensor.float()

    def content(self) -> Mapping[str, Tensor]:
        return {"": self.tensor.contiguous()}


@dataclass(frozen=True)
class Grid:
    """Whole numbers of few bits, and the step of each group of a row: w = code · step.

    Codes lie within ±(2^(bits-1) - 1), and are written side by side, so that a byte holds as many
    as fit: 2 of 4 bits, 8 of 3 bits in 3 bytes.
    """

    codes: Tensor  # [R, N] int8
    steps: Tensor  # [R, G] float32, or float16 where rows have groups
    bits: int
    group: int  # columns that share a step
    shape: tuple[int, ...]

    def dense(self) -> Tensor:
        return (self.codes.float() * self.spread()).view(self.shape)

    def spread(self) -> Tensor:
        """The step of every entry, [R, N] float32."""
        each = self.steps.float().repeat_interleave(self.group, dim=1)
        return each[:, : self.codes.shape[1]]

    def content(self) -> Mapping[str, Tensor]:
        return {".codes": packed(self.codes, self.bits), ".steps": self.steps.contiguous()}


@dataclass(frozen=True)
class Bitmap:
    """The entries that are not zero, and a bit for each entry that says whether it is one."""

    tensor: Tensor

    def dense(self) -> Tensor:
        return self.tensor.float()

    def content(self) -> Mapping[str, Tensor]:
        flat = self.tensor.flatten()
        return {".mask": packed_bits((flat != 0)[:, None]), ".values": flat[flat != 0]}


def packed(codes: Tensor, bits: int) -> Tensor:
    """Codes within ±(2^(bits-1) - 1) as bytes, side by side, [⌈n · bits / 8⌉] uint8.

    Examples:
        >>> packed(torch.tensor([[-1, 0, 1, -1]], dtype=torch.int8), 2).tolist()
        [36]
        >>> unpacked(packed(torch.tensor([-3, 2, 0], dtype=torch.int8), 3), 3, 3).tolist()
        [-3, 2, 0]
    """
    outer = 2 ** (bits - 1) - 1
    shifted = (codes.flatten().to(torch.int16) + outer)[:, None]  # from 0 up
    return packed_bits((shifted >> torch.arange(bits)) & 1)


def unpacked(content: Tensor, bits: int, count: int) -> Tensor:
    """The first `count` codes that `packed` wrote, [count] int8."""
    each = (content[:, None].to(torch.int16) >> torch.arange(8)) & 1
    codes = each.flatten()[: count * bits].view(count, bits)
    shifted: Tensor = (codes << torch.arange(bits)).sum(1)
    found: Tensor = shifted - (2 ** (bits - 1) - 1)
    return found.to(torch.int8)


def packed_bits(bits: Tensor) -> Tensor:
    """Bits [n, k] as bytes, the lowest first, in the order of rows."""
    flat = bits.flatten().to(torch.uint8)
    whole = torch.cat([flat, flat.new_zeros(-len(flat) % 8)]).view(-1, 8)
    weight = 2 ** torch.arange(8, dtype=torch.uint8)
    return (whole * weight).sum(1).to(torch.uint8)


def unpacked_bits(content: Tensor, count: int) -> Tensor:
    """The first `count` bits that `packed_bits` wrote, [count] bool."""
    each = (content[:, None].to(torch.int16) >> torch.arange(8)) & 1
    return each.flatten()[:count].bool()


def read_back(kind: Mapping[str, Any], content: Mapping[str, Tensor]) -> Stored:
    """What was written as `content`; `kind` as `kind_of` gave it."""
    shape: tuple[int, ...] = tuple(kind["shape"])
    if kind["kind"] == "grid":
        bits, columns = kind["bits"], kind["columns"]
        codes = unpacked(content[".codes"], bits, prod(shape)).view(-1, columns)
        return Grid(codes, content[".steps"], bits, kind["group"], shape)
    if kind["kind"] == "bitmap":
        mask = unpacked_bits(content[".mask"], prod(shape))
        flat = content[".values"].new_zeros(len(mask))
        flat[mask] = content[".values"]
        return Bitmap(flat.view(shape))
    return Plain(content[""])


def kind_of(stored: Stored) -> dict[str, object]:
    """What is to be known of a tensor beside its bytes, as JSON can hold it."""
    shape = list(stored.dense().shape)
    if isinstance(stored, Grid):
        return {
            "kind": "grid",
            "shape": shape,
            "bits": stored.bits,
            "group": stored.group,
            "columns": stored.codes.shape[1],
        }
    return {"kind": "bitmap" if isinstance(stored, Bitmap) else "plain", "shape": shape}

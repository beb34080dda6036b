"""Reads the IDX files of MNIST and its kin: a magic number, the sizes, then bytes; gzipped or not."""

import gzip
import zlib
from hashlib import sha256
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audition.data.reading import named, state_of
from audition.errors import AuditionError

GZIPPED = b"\x1f\x8b"
BYTES = 8
"""The type code of unsigned bytes, the only one that pictures and classes come in."""


def read_idx(path: Path, digest: str | None = None) -> NDArray[np.uint8]:
    """The array in a file, read-only. `digest`: the sha256 that its bytes, unzipped, must have.

    Raises AuditionError for a file that cannot be read, is cut short, or holds something else.
    """
    content = _unzipped(path)
    if digest is not None and (found := sha256(content).hexdigest()) != digest:
        raise AuditionError(
            f"{named(path)} has sha256 {found}, unzipped, where {digest} is expected: set "
            "data.sha256 if this file is meant"
        )
    if len(content) < 4 or content[:2] != b"\0\0":
        raise AuditionError(f"{named(path)} is no IDX file: it does not begin with two zero bytes")
    kind, axes = content[2], content[3]
    if kind != BYTES:
        raise AuditionError(f"{named(path)} holds numbers of type {kind:#04x}, not bytes (0x08)")
    start = 4 + 4 * axes
    sizes = tuple(int(n) for n in np.frombuffer(content[4:start], dtype=">u4"))
    if len(sizes) < axes or len(content) != start + prod(sizes):
        raise AuditionError(
            f"{named(path)} is cut short or too long: it has {len(content)} bytes, and its header "
            f"says {start + prod(sizes)}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(sizes)


def _unzipped(path: Path) -> bytes:
    state_of(path)  # says why it cannot be read
    content = path.read_bytes()
    if content[:2] != GZIPPED:
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise AuditionError(f"{named(path)} cannot be unzipped: {error}") from None

"""Small data sets of pictures in the layouts of the real ones, made up, so that no test needs those."""

import gzip
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audition.data.fashion import TEST, TRAINING


def pictures(
    many: int, side: int, channels: int = 1, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Noise [N, C, side, side] with a bright stripe where its class says, and the ten classes."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 100, (many, channels, side, side), dtype=np.uint8)
    classes = np.arange(many, dtype=np.uint8) % 10
    for each in range(10):
        row = (2 * each + 1) * side // 20
        pixels[classes == each, :, row : row + max(1, side // 10)] += 150
    return pixels, classes


def idx(array: NDArray[np.uint8]) -> bytes:
    """An array as an IDX file."""
    sizes = b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes()


def fashion(folder: Path, training: int = 7000, test: int = 200) -> tuple[str, ...]:
    """A folder like that of Debian's package; the overrides that choose it."""
    folder.mkdir(parents=True, exist_ok=True)
    digests = []
    for names, many, seed in ((TRAINING, training, 0), (TEST, test, 1)):
        pixels, classes = pictures(many, 28, seed=seed)
        for name, array in zip(names, (pixels[:, 0], classes), strict=True):
            content = idx(array)
            digests.append(sha256(content).hexdigest())
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=1))
    return "data=fashion", f"data.path={folder}", f"data.sha256=[{','.join(digests)}]"

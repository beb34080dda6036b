"""Small data sets in the place of the real ones: made up pictures, and a few documents of texts."""

import gzip
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audition.data import shakespeare, stdlib, wikipedia
from audition.data.fashion import TEST, TRAINING


def few_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two packages stand for the standard library's ten megabytes, under a digest of their own."""
    files, digest = stdlib._files, stdlib._fingerprint.__wrapped__

    def few() -> list[tuple[str, Path]]:
        return [each for each in files() if each[0].startswith(("email/", "json/"))]

    monkeypatch.setattr(stdlib, "_files", few)
    monkeypatch.setattr(stdlib, "_fingerprint", digest)


def few_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few documents of each text: to cut all of them into byte pairs takes longer than to train."""
    few_modules(monkeypatch)
    plays = [p for p in shakespeare._plays() if p.stem in ("the-tempest", "macbeth")]
    monkeypatch.setattr(shakespeare, "_plays", lambda: tuple(plays))
    monkeypatch.setattr(shakespeare, "_check", lambda plays: None)
    monkeypatch.setattr(shakespeare, "LAID_OUT_SHA256", "of a few plays")
    articles = wikipedia._articles
    monkeypatch.setattr(wikipedia, "_articles", lambda: islice(articles(), 12))


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

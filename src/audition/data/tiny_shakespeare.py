"""Tiny-shakespeare, from the user's file: nine tenths to train on, the last tenth to validate on."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from audition.data.reading import read
from audition.data.source import Source
from audition.data.text import Document, Text
from audition.errors import AuditionError


@dataclass(frozen=True, kw_only=True)
class TinyShakespeare(Source):
    """One text file in UTF-8, split 90 / 10 by characters as nanoGPT splits it."""

    path: str
    """The file, in UTF-8, which is not part of this package."""
    sha256: str = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    """What the file must hash to: tiny-shakespeare's, unless another text is meant."""

    @property
    def text_fingerprint(self) -> str:
        return self._checked().text

    @property
    def remarks(self) -> tuple[str, ...]:
        return self._checked().remarks

    def text(self) -> Text:
        self._checked()
        text = read(_content(self.path), _name(self.path)).text
        cut = int(len(text) * 0.9)
        name = Path(self.path).name
        return Text((Document(name, text[:cut]),), (Document(name, text[cut:]),))

    def _checked(self) -> "_Digests":
        """What the file is; raises AuditionError where it is another than `sha256` says."""
        digests = _digests(self.path, _state(self.path))
        if digests.file != self.sha256.lower():
            raise AuditionError(
                f"{_name(self.path)} has sha256 {digests.file} where {self.sha256} is expected: "
                "set data.sha256 if this text is meant"
            )
        return digests


@dataclass(frozen=True)
class _Digests:
    file: str  # sha256 of its bytes
    text: str  # of the text that they are read as, in UTF-8
    remarks: tuple[str, ...]


@lru_cache(maxsize=16)
def _digests(path: str, state: tuple[int, ...]) -> _Digests:
    """Digests of a file, read once for each `state`, however many arms train on it."""
    content = _content(path)
    reading = read(content, _name(path))
    text = sha256(reading.text.encode("utf-8")).hexdigest()
    return _Digests(sha256(content).hexdigest(), text, reading.remarks)


def _name(path: str) -> str:
    return f"data.path={path}"


def _state(path: str) -> tuple[int, ...]:
    try:
        found = Path(path).stat()
    except OSError as error:
        raise AuditionError(f"{_name(path)} cannot be read: {error.strerror}") from None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise AuditionError(f"{_name(path)} cannot be read: {error.strerror}") from None

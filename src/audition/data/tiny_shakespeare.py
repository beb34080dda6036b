"""Tiny-shakespeare, for a user who has the file: nine tenths train, the last tenth validates."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from audition.data.source import Source
from audition.data.text import Document, Text
from audition.errors import AuditionError


@dataclass(frozen=True, kw_only=True)
class TinyShakespeare(Source):
    """One text file, split 90 / 10 by characters as nanoGPT splits it."""

    path: str
    """The file, which is not part of this package."""
    sha256: str = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    """What the file must hash to: tiny-shakespeare's, unless another text is meant."""

    @property
    def text_fingerprint(self) -> str:
        self._read()
        return self.sha256

    def text(self) -> Text:
        text = self._read().decode("utf-8")
        cut = int(len(text) * 0.9)
        name = Path(self.path).name
        return Text((Document(name, text[:cut]),), (Document(name, text[cut:]),))

    def _read(self) -> bytes:
        try:
            content = Path(self.path).read_bytes()
        except OSError as error:
            raise AuditionError(f"data.path={self.path} cannot be read: {error.strerror}") from None
        found = sha256(content).hexdigest()
        if found != self.sha256:
            raise AuditionError(
                f"data.path={self.path} has sha256 {found} where {self.sha256} is expected: "
                "set data.sha256 if this text is meant"
            )
        return content

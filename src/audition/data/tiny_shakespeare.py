"""Tiny-shakespeare, from the user's file: nine tenths to train on, the last tenth to validate on."""

from dataclasses import dataclass
from pathlib import Path

from audition.data.reading import Digests, content_of, digests, named, read
from audition.data.source import Source
from audition.data.text import Text, split_end
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
        path = Path(self.path)
        return split_end(path.name, read(content_of(path), named(path)).text, 0.1)

    def _checked(self) -> Digests:
        """What the file is; raises AuditionError where it is another than `sha256` says."""
        found = digests(Path(self.path))
        if found.file != self.sha256.lower():
            raise AuditionError(
                f"{named(Path(self.path))} has sha256 {found.file} where {self.sha256} is expected: "
                "set data.sha256 if this text is meant"
            )
        return found

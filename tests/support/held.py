"""Sources as a command holds them: signatures of the house's classes are read once, not each time.

For tests that compose many settings and edit no source while they do.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audition import frozen

SOURCES = frozen.Sources(Path(os.devnull), writes=False)


@contextmanager
def held() -> Iterator[None]:
    """Within it, what is read from sources is kept; nothing is told to other processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frozen, "_held", lambda: SOURCES)
        yield

"""A small disk of its own for a ledger, which can be filled to the last byte and freed again."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SIZE_MB = 96
CHUNK = bytes(1 << 16)


@dataclass(frozen=True)
class Disk:
    """A mounted tmpfs."""

    folder: Path

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is free within the block, unless somebody gives one up."""
        filler = self.folder / "filler"
        try:
            with open(filler, "wb", buffering=0) as file, suppress(OSError):
                while file.write(CHUNK):
                    pass
            yield
        finally:
            filler.unlink(missing_ok=True)

    def fill(self, seconds: float) -> None:
        """Keep it full for so long."""
        with self.full():
            time.sleep(seconds)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk | None]:
    """A tmpfs at `folder`, gone with the block; None where this user may not mount one."""
    folder.mkdir(parents=True)
    options = ("-t", "tmpfs", "-o", f"size={SIZE_MB}m", "soak", str(folder))
    mounted = subprocess.run(["mount", *options], capture_output=True) if _root() else None
    if mounted is None or mounted.returncode != 0:
        yield None
        return
    try:
        yield Disk(folder)
    finally:
        # Lazily, so that a process which is still leaving does not hold it.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _root() -> bool:
    return os.geteuid() == 0

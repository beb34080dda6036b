"""A study's journal file, flushed to the disk where a trial ends rather than at every line."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock


class Journal(JournalFileBackend):
    """Optuna's journal, with two differences.

    Lines of a running trial are written without waiting for the disk: if the machine goes down, the
    trial is lost with it, and the ledger has its finished seeds. The outcome of a trial, and every
    line before it, is on the disk when `append_logs` returns.

    An unfinished last line (a full disk, a machine that went down) is cut off before the next write;
    with more lines behind it the study could never be read again.
    """

    def __init__(self, path: Path, lock: JournalFileSymlinkLock) -> None:
        super().__init__(str(path), lock)
        self.path, self.lock = path, lock

    def append_logs(self, logs: Sequence[Mapping[str, Any]]) -> None:
        """Write `logs`, a line each. Raises OSError where the file cannot be written."""
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self.lock.acquire()
        try:
            with self.path.open("ab+") as file:
                _mend(file)
                file.write(text.encode())
                file.flush()
                if any("state" in log for log in logs):
                    os.fsync(file.fileno())
        finally:
            self.lock.release()


def _mend(file: IO[bytes]) -> None:
    """Cut off a last line that has no end."""
    end = file.seek(0, os.SEEK_END)
    if not end:
        return
    file.seek(end - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)

"""A study's journal file, flushed to the disk where a trial ends rather than at every word of it."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock


class Journal(JournalFileBackend):
    """Optuna's journal; two things are done otherwise.

    What a trial says on its way is handed to the system, and waits for no disk: a machine that goes
    down takes the trial with it, and the ledger has its finished seeds. How a trial came out, and
    all that was said before, is on the disk when `append_logs` returns.

    A line that its writer did not finish (a full disk, a machine that went down) is taken back by
    the next one; with more behind it the study could never be read again.
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

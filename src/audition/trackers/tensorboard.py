"""A run's event file for TensorBoard; the horizontal axis is the units trained on."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, ClassVar

from audition.records.metrics import Line, units_of, values_of
from audition.trackers.tracker import check_package


class TensorBoard:
    """Writes `tensorboard/` in the run's folder, afresh whenever the run is taken up again."""

    packages: ClassVar[tuple[str, ...]] = ("tensorboard", "tensorboard.summary.writer")

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tensorboard"
        self.writer: Any = None

    @staticmethod
    def check() -> None:
        """Raises AuditionError without the package."""
        check_package("tensorboard", "tensorboard")

    def open(self, earlier: Sequence[Line]) -> str:
        """Begin the file."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        shutil.rmtree(self.folder, ignore_errors=True)
        self.writer = EventFileWriter(str(self.folder))
        for line in earlier:
            self.write(line)
        return ""

    def write(self, line: Line) -> None:
        """One more line."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        found = [Summary.Value(tag=name, simple_value=v) for name, v in values_of(line).items()]
        self.writer.add_event(Event(step=units_of(line), summary=Summary(value=found)))

    def close(self, status: str, facts: Mapping[str, Any]) -> None:
        """Complete the file."""
        if self.writer is not None:
            self.writer.close()

    def look(self) -> str:
        """TensorBoard on all runs of the ledger."""
        return f"tensorboard --logdir {quote(str(self.folder.parents[3]))}"

"""Messages from the processes of a run to the worker that started them: JSON lines on a pipe.

`report` is rank 0's progress and `answer` its outcome; `failed` is a sentence of any rank;
`ended` is the agent's: exit codes by rank, negative for a signal.
"""

import json
import os
from dataclasses import dataclass, field
from signal import Signals
from typing import Any


def say(pipe: int, **words: Any) -> None:
    """Write one line."""
    line = (json.dumps(words) + "\n").encode()
    while line:
        line = line[os.write(pipe, line) :]


@dataclass
class RankMessages:
    """The messages so far that decide how a run ended."""

    answer: dict[str, Any] | None = None
    failed: list[str] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)

    def hear(self, line: bytes) -> dict[str, Any] | None:
        """Take in one line; returns the report in it, if it is one."""
        words = json.loads(line)
        self.answer = words.get("answer", self.answer)
        self.ended |= words.get("ended", {})
        if "failed" in words:
            self.failed.append(words["failed"])
        report: dict[str, Any] | None = words.get("report")
        return report

    def reason(self, processes: int, code: int) -> str:
        """Why there is no answer, in a sentence; `code` is how the agent ended.

        A killed rank sends nothing, and the others only that they have lost it; of several failures the
        first is the cause. After a failure torchrun
        ends the others by SIGTERM, which is then no cause.
        """
        for rank, left in self.ended.items():
            if left < 0 and not (self.failed and -left == Signals.SIGTERM):
                name = Signals(-left).name
                memory = " (the machine was out of memory, perhaps)" if name == "SIGKILL" else ""
                return f"process {rank} of {processes} was ended by {name}{memory}"
        if self.failed:
            return self.failed[0]
        for rank, left in self.ended.items():
            return f"process {rank} of {processes} ended with code {left}"
        return f"torchrun ended with code {code}, and none of its {processes} processes said why"

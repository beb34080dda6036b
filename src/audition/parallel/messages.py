"""Messages from the processes of a run to the worker that started them: JSON lines on a pipe.

`report` is rank 0's progress and `answer` its outcome; `failed` is a sentence of any rank;
`ended` is the agent's: exit codes by rank, negative for a signal. A long message goes in several
lines, `part` of a numbered message each: srun tears lines of more than 1024 bytes.
"""

import json
import os
import secrets
from dataclasses import dataclass, field
from signal import Signals
from typing import Any

PART = 450
"""Characters of a message that fit into a line, escaped once more."""


def say(pipe: int, **words: Any) -> None:
    """Write one message."""
    text = json.dumps(words)
    if len(text) > 2 * PART:
        number, pieces = secrets.token_hex(4), range(0, len(text), PART)
        for start in pieces:
            part = {"part": number, "text": text[start : start + PART], "last": start == pieces[-1]}
            _write(pipe, json.dumps(part))
    else:
        _write(pipe, text)


def _write(pipe: int, line: str) -> None:
    rest = (line + "\n").encode()
    while rest:
        rest = rest[os.write(pipe, rest) :]


@dataclass
class RankMessages:
    """The messages so far that decide how a run ended."""

    answer: dict[str, Any] | None = None
    failed: list[str] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    """Rank -> the node that it ran on, of those that ended badly on one of several."""
    parts: dict[str, str] = field(default_factory=dict)

    def hear(self, line: bytes) -> dict[str, Any] | None:
        """Take in one line; returns the report in it, if it is one."""
        words = json.loads(line)
        if "part" in words:
            so_far = self.parts.pop(words["part"], "") + words["text"]
            if not words["last"]:
                self.parts[words["part"]] = so_far
                return None
            words = json.loads(so_far)
        self.answer = words.get("answer", self.answer)
        self.ended |= words.get("ended", {})
        if "failed" in words:
            self.failed.append(words["failed"])
        report: dict[str, Any] | None = words.get("report")
        return report

    def reason(self, processes: int, code: int, starter: str = "torchrun") -> str:
        """Why there is no answer, in a sentence; `code` is how `starter` of the processes ended.

        A killed rank sends nothing, and the others only that they have lost it; of several failures the
        first is the cause. After a failure the starter
        ends the others by SIGTERM, which is then no cause.
        """
        for rank, left in self.ended.items():
            if left < 0 and not (self.failed and -left == Signals.SIGTERM):
                name = Signals(-left).name
                memory = " (the machine was out of memory, perhaps)" if name == "SIGKILL" else ""
                return f"{self._process(rank, processes)} was ended by {name}{memory}"
        if self.failed:
            return self.failed[0]
        for rank, left in self.ended.items():
            return f"{self._process(rank, processes)} ended with code {left}"
        return f"{starter} ended with code {code}, and none of its {processes} processes said why"

    def _process(self, rank: str, processes: int) -> str:
        where = f" on {self.nodes[rank]}" if rank in self.nodes else ""
        return f"process {rank} of {processes}{where}"

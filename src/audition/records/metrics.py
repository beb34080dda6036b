"""The lines of a run's `metrics.jsonl`, of logged steps and of evaluations; its only reader."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audition.plain_file import check_plain, read_text
from audition.records.codec import parsed

FILE = "metrics.jsonl"
TRAINING = "train/loss"
CONTROLS = "train/"
"""The prefix of the gains on what schedule and effects control: `train/lr_gain`."""
UPDATES = "train/update_rate"
"""Share of the steps so far that made an update: 1 where no effect closes steps."""
METERS = "effects/"
"""The prefix of the names of effects' meters, before the effect's name and the meter's."""
SITES, BORN, REMOVED = "apoptosis/sites", "apoptosis/born", "apoptosis/removed"
"""On the line of each step with an event of apoptosis: layers that had one, units born and taken
out."""
BEFORE, AFTER = "apoptosis/loss_before", "apoptosis/loss_after"
"""The loss on fixed rows just before an event, and after the step that it followed."""
LATER = "apoptosis/loss"
"""The same 1, 2, 4, … steps after the event, until it is not above that before."""
BETWEEN = "between/"
"""The prefix of the measures on a few held-out rows, on some lines of steps: `between/val_loss`."""
PLACE = ("step", "units", "tokens")
"""The keys that place a line in the run; Audition 0.2 wrote units as `tokens`."""
TAIL = 4096
"""Bytes at the end of a file that hold its last line."""

Line = Mapping[str, float | None]
"""Step, units, and values by name; None for what was not finite."""


def units_of(line: Line) -> int:
    """Tokens or examples trained on by then."""
    return int(line.get("units") or line.get("tokens") or 0)


def values_of(line: Line) -> dict[str, float]:
    """The finite values of a line, without the keys of PLACE."""
    return {n: value for n, value in line.items() if n not in PLACE and value is not None}


def is_evaluation(line: Line) -> bool:
    """Whether the line is that of an evaluation; those of steps have a training loss."""
    return TRAINING not in line


def read_lines(folder: Path) -> list[Line]:
    """The whole lines of the run in `folder`, none where there is no such file."""
    return _read(folder, lambda text: True)


def read_evaluations(folder: Path) -> list[Line]:
    """The lines of evaluations alone; most lines are steps, and parsing them is the cost."""
    mark = f'"{TRAINING}"'
    return _read(folder, lambda text: mark not in text)


def read_looks(folder: Path) -> list[Line]:
    """The lines of the steps after which a part of the held-out rows was looked at."""
    mark = f'"{BETWEEN}'
    return _read(folder, lambda text: mark in text)


def read_events(folder: Path) -> list[Line]:
    """The lines that say something of apoptosis."""
    return _read(folder, lambda text: '"apoptosis/' in text)


def _read(folder: Path, wanted: Callable[[str], bool]) -> list[Line]:
    try:
        texts = read_text(folder / FILE).splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [line for t in texts if wanted(t) and (line := _parsed(t)) is not None]


def last_line(folder: Path) -> Line:
    """The last whole line, however long the file is; empty without one."""
    try:
        check_plain(folder / FILE)
        with (folder / FILE).open("rb") as file:
            file.seek(max(0, (folder / FILE).stat().st_size - TAIL))
            texts = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return {}
    found = (_parsed(text) for text in reversed(texts))
    return next((line for line in found if line is not None), {})


@dataclass
class MetricsCache:
    """The lines of many runs, each file read again only when it has grown."""

    read: dict[Path, tuple[int, list[Line]]] = field(default_factory=dict)

    def lines(self, folder: Path) -> list[Line]:
        """The lines of the run in `folder` so far."""
        try:
            size = (folder / FILE).stat().st_size
        except OSError:
            return []
        if folder not in self.read or self.read[folder][0] != size:
            self.read[folder] = (size, read_lines(folder))
        return self.read[folder][1]


def _parsed(text: str) -> Line | None:
    """The line; None for one that is still being written or is not a JSON object."""
    try:
        line = parsed(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "step" in line else None

"""One sweep by one launcher: disturbed while it runs, and repeated until nothing is missing."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import loads
from pathlib import Path
from random import Random
from typing import Any

from audition.records.store import Ledger
from scripts.soak.cluster import Box
from scripts.soak.disk import Disk
from scripts.soak.disturb import MONKEYS, Scene
from scripts.soak.plan import QUESTION, Stage
from scripts.soak.processes import MARK
from scripts.soak.table import StageReport

ROOT = Path(__file__).parents[2]
MOST_COMMANDS = 25
"""Repeats of one command, after which it is given up."""


ROUNDS_S = 5.0
"""Between two looks at whether Slurm waits for its administrator [s]."""


class GivenUp(Exception):
    """A command that would not come to its end, and what is known of it."""


@dataclass(frozen=True)
class House:
    """A copy of the code, so that nobody who edits it changes a run's identity under way."""

    folder: Path
    mark: str

    @classmethod
    def built(cls, folder: Path, mark: str) -> "House":
        """The copy, made."""
        for name in ("src", "conf", "sweeps"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / "code" / name, ignore=ignored)
        return cls(folder, mark)

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Of a command that imports the copy, and can be told by its mark."""
        code = self.folder / "code"
        return {**base, "PYTHONPATH": f"{code / 'src'}:{code}", MARK: self.mark}

    def command(self, ledger: Ledger, seeds: Sequence[int], *words: str) -> list[str]:
        """The sweep over `seeds` into `ledger`."""
        paths = (
            f"paths.output_dir={ledger.root}",
            f"paths.cache_dir={self.folder / 'cache'}",
        )
        seed = f"seed={','.join(map(str, seeds))}"
        return [sys.executable, "-m", "src.train", *QUESTION, *paths, *words, seed, "-m"]

    def verdict(self, ledger: Ledger) -> list[dict[str, Any]]:
        """`audition verdict --json`."""
        words = ["-m", "audition", "verdict", "--json", "--output-dir", str(ledger.root)]
        answer = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder / "code",
            env=self.environment(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
        )
        found: list[dict[str, Any]] = loads(answer.stdout)
        return found


@dataclass
class Soak:
    """A ledger, and the means to fill it against all odds."""

    house: House
    ledger: Ledger
    random: Random
    until: float  # by time.monotonic(), when it must be over
    disk: Disk | None = None
    box: Box | None = None
    gap_s: tuple[float, float] = (1.0, 5.0)  # between two disturbances
    said: list[StageReport] = field(default_factory=list)  # of every stage, also one given up

    def run(self, stage: Stage) -> None:
        """The stage's command again and again until it exits with 0.

        Raises GivenUp where the time or the repeats are spent, or the command shows a traceback.
        """
        report = StageReport(stage.name, stage.runs)
        self.said.append(report)
        deck = [name for name, times in stage.deck.items() for _ in range(times)]
        self.random.shuffle(deck)
        begun = time.monotonic()
        while not report.ends or report.ends[-1] != 0:
            if len(report.ends) == MOST_COMMANDS:
                raise GivenUp(f"{stage.name}: {MOST_COMMANDS} commands were not enough")
            number = len(report.ends) + 1
            log = self.house.folder / f"{stage.name}.{number}.log".replace(" ", "_")
            report.ends.append(self._once(stage, deck, report, log))
            if "Traceback" in log.read_text(encoding="utf-8", errors="replace"):
                raise GivenUp(f"{stage.name}: the command ended in a traceback, see {log}")
            report.seconds = time.monotonic() - begun

    def _once(self, stage: Stage, deck: list[str], report: StageReport, log: Path) -> int:
        """One command under the monkeys' hands; its exit code."""
        base = self.box.environment if self.box is not None else os.environ
        with open(log, "wb") as out:
            command = subprocess.Popen(
                self.house.command(self.ledger, stage.seeds, *stage.words),
                cwd=self.house.folder / "code",
                env=self.house.environment(base),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        scene = Scene(self.ledger, self.house.mark, command, self.disk, self.box, self.random)
        due = rounds = time.monotonic() + self.random.uniform(*self.gap_s)
        while (code := command.poll()) is None:
            if time.monotonic() > self.until:
                if self.box is not None:
                    self.box.testimony(self.house.folder / "slurm")
                command.kill()
                raise GivenUp(f"{stage.name}: not over in time, see {log}")
            if self.box is not None and time.monotonic() >= rounds:
                rounds = time.monotonic() + ROUNDS_S
                for met in self.box.mend():
                    report.note("an administrator was needed", met)
            if deck and time.monotonic() >= due:
                if met := MONKEYS[deck[0]](scene):
                    report.note(deck.pop(0), met)
                    due = time.monotonic() + self.random.uniform(*self.gap_s)
                else:
                    deck.append(deck.pop(0))
            time.sleep(0.2)
        return code

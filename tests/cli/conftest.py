"""The commands as a user types them: processes, one small model, one shared cache of token ids."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from warm import PATIENCE_S, Command, Warm

from audition.config.identity import identify
from audition.data.shakespeare import Shakespeare
from audition.records.record import Record

ROOT = Path(__file__).parents[2]
TRAIN = [sys.executable, "-m", "src.train"]
SMALL = ("model=tiny", "data.evaluation_tokens=1024")
SWEEP = ("+idea=placebo", "seed=1,2", "-m")
"""The command whose ledger is `finished`."""

TALLY = '''
"""A logger that notes every training that begins in a run's folder."""

from pathlib import Path

from audition.observers.observer import Observer


class Tally(Observer):
    def __init__(self, folder: Path) -> None:
        self.path = folder / "trainings"

    def on_start(self, session, steps) -> None:
        with self.path.open("a") as file:
            file.write(f"from step {session.step}\\n")
'''


def record_of(settings: Any, status: Any = "finished", **more: Any) -> Record:
    """The record of a baseline's run of `settings`, by hand."""
    identity = identify(settings)
    return Record(
        key=identity.key,
        config_hash=identity.config_hash,
        baseline_hash=identity.config_hash,
        arm="baseline",
        ideas=(),
        seed=42,
        status=status,
        code=identity.code,
        evaluation=identity.evaluation,
        **more,
    )


@pytest.fixture
def recorded() -> Callable[..., Record]:
    """Settings -> the record of a run of them."""
    return record_of


@dataclass
class Workplace:
    """A ledger of its own, and the two doors to it."""

    output: Path
    cache: Path
    modules: Path
    warm: Warm
    steps: int = 3
    environment: dict[str, str] = field(default_factory=dict)
    cold: bool = False
    """Whether commands are started by Python itself, which imports everything anew."""

    def command(self, *words: str) -> list[str]:
        """The training door with a small model that counts its trainings."""
        return [
            *TRAIN,
            f"paths.output_dir='{self.output}'",
            f"paths.cache_dir='{self.cache}'",
            f"budget.steps={self.steps}",
            *SMALL,
            "+logger.tally._target_=tally.Tally",
            "allowed_targets=[audition.,tally.,claimants.]",
            *words,
        ]

    @property
    def _starts_python(self) -> bool:
        """Also where the environment says how Python is to start."""
        told = {name for name in self.environment if name.startswith(("LC_", "PYTHON"))}
        return self.cold or bool(told - {"PYTHONPATH"})

    @property
    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("HYDRA_FULL_ERROR", "PYTHONPATH")}
        return {**kept, "PYTHONPATH": str(self.modules), **self.environment}

    def train(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python -m src.train WORDS`, to its end."""
        return self.run(self.command(*words))

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Any command, to its end, with this workplace's environment."""
        if command[:3] == TRAIN and not self._starts_python:
            return self.warm.run(*command[2:], env=self._environment)
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )

    def begin(self, *words: str, **how: Any) -> "Command | subprocess.Popen[str]":
        """`python -m src.train WORDS`, as the head of a process group as a shell would start it."""
        command = self.command(*words)
        if not self._starts_python:
            return self.warm.begin(
                *command[2:], env=self._environment, start_new_session=True, **how
            )
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def read(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`audition WORDS` on this ledger."""
        words = (*words, "--output-dir", str(self.output))
        if self._starts_python:
            return self.run([str(Path(sys.executable).with_name("audition")), *words])
        return self.warm.run("audition", *words, env=self._environment)

    def records(self) -> dict[str, dict[str, Any]]:
        """`"placebo 1"` -> the record, as it stands in its file."""
        plain = [json.loads(path.read_text()) for path in self._files("record.json")]
        return {f"{r['arm']} {r['seed']}": r for r in plain}

    def statuses(self) -> dict[str, str]:
        """`"placebo 1"` -> how it ended."""
        return {name: record["status"] for name, record in self.records().items()}

    def trainings(self) -> dict[str, list[str]]:
        """`"placebo 1"` -> a line for each training that was begun."""
        return {
            f"{path.parts[-4]} {path.parent.name.removeprefix('seed_')}": path.read_text().splitlines()
            for path in self._files("trainings")
        }

    def _files(self, name: str) -> list[Path]:
        return sorted(self.output.glob(f"runs/*/*/seed_*/{name}"))

    def until(self, sweep: Command, found: Callable[[dict[str, dict[str, Any]]], Any]) -> Any:
        """What `found` says of the records of a sweep under way, once it says anything."""
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := found(self.records())):
            assert sweep.poll() is None, sweep.communicate()
            assert time.monotonic() < deadline, self.statuses()
            time.sleep(0.03)  # to read the records takes a tenth of that
        return answer


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory, cache_dir: str) -> tuple[Path, Path]:
    modules = tmp_path_factory.mktemp("modules")
    (modules / "tally.py").write_text(TALLY)
    Shakespeare(cache_dir=cache_dir).check()  # else the first command would say that it does so
    return Path(cache_dir), modules


@pytest.fixture
def place(tmp_path: Path, _shared: tuple[Path, Path], warm: Warm) -> Workplace:
    return Workplace(tmp_path / "ledger", *_shared, warm)


@pytest.fixture(scope="session")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
    common_folder: Path,
    _shared: tuple[Path, Path],
    warm: Warm,
) -> Path:
    """The ledger of SWEEP, trained once for all workers of pytest-xdist: look at a copy of it."""
    root = common_folder / "finished"
    with FileLock(f"{root}.lock"):
        if not root.exists():
            place = Workplace(tmp_path_factory.getbasetemp() / "sweep", *_shared, warm)
            ended = place.train(*SWEEP)
            assert ended.returncode == 0, ended.stderr
            place.output.rename(root)
    return root


def one_sentence(ended: subprocess.CompletedProcess[str]) -> str:
    """What a command said that could not be carried out: one line, no traceback, exit code 2."""
    lines = ended.stderr.splitlines()
    assert ended.returncode == 2, ended.stderr
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("audition: ")
    assert ended.stdout == ""
    return lines[0].removeprefix("audition: ")


@pytest.fixture
def mistake(place: Workplace) -> Callable[..., str]:
    """The one sentence that a command line is answered with."""
    return lambda *words: one_sentence(place.train(*words))

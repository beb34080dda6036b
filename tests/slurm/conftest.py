"""A real Slurm, started for the session and stopped with it; and the door to it."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from scripts.soak.cluster import four_free_ports
from warm import PATIENCE_S, Command, Warm

from audition.records.metrics import last_line
from audition.records.record import Record
from audition.records.store import Ledger

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts" / "slurm"


@dataclass(frozen=True)
class Slurm:
    """A running box, as the environment that a user of it has."""

    environment: Mapping[str, str]

    def ask(self, *command: str) -> str:
        """What a command of Slurm's answers."""
        answer = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def jobs(self) -> dict[str, str]:
        """`"5_0"` -> its state, of every job that the controller still knows."""
        lines = self.ask("squeue", "--noheader", "--array", "--states=all", "--format=%i %T")
        return dict(line.split() for line in lines.splitlines())


@contextmanager
def box(**settings: str) -> Iterator[Slurm]:
    """A box of its own, gone at the end with everything in it; skips where none can be started."""
    folder = Path(tempfile.mkdtemp(prefix="audition-slurm-"))
    environment = {**os.environ, "SLURM_BOX": str(folder), **settings}
    environment.pop("SLURM_CONF", None)
    try:
        with FileLock(Path(tempfile.gettempdir(), "audition-slurm.lock")):  # apt's, and the ports'
            environment["SLURM_BOX_PORT"] = str(four_free_ports())
            up = subprocess.run(
                [SCRIPTS / "up.sh"], env=environment, capture_output=True, text=True, timeout=300
            )
        if up.returncode != 0:
            why = up.stderr.strip().splitlines()[-1:] or [f"up.sh ended with {up.returncode}"]
            pytest.skip(f"no Slurm here: {why[0]}")
        environment["SLURM_CONF"] = str(folder / "slurm.conf")
        if "SLURM_BOX_ACCOUNTING" not in settings:
            environment["PATH"] = f"{SCRIPTS / 'stand_in'}:{environment['PATH']}"
        yield Slurm(environment)
    finally:
        subprocess.run([SCRIPTS / "down.sh", "--purge"], env=environment, check=True, timeout=120)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """Slurm without accounting, and the stand-in for sacct."""
    with box() as running:
        yield running


@pytest.fixture(scope="session")
def slurm_with_accounting() -> Iterator[Slurm]:
    """Slurm with slurmdbd and MariaDB behind it, and the real sacct."""
    with box(SLURM_BOX_ACCOUNTING="1") as running:
        yield running


@dataclass(frozen=True)
class Door:
    """The training door, with a tiny model and a ledger of its own."""

    output: Path
    cache: Path
    warm: Warm

    def words(self, *words: str) -> list[str]:
        """What stands behind `python -m src.train` for `WORDS -m`."""
        return [
            "model=tiny",
            "budget.steps=20",
            "data.evaluation_tokens=1024",
            "execution.device=cpu",
            f"paths.output_dir={self.output}",
            f"paths.cache_dir={self.cache}",
            *words,
            "-m",
        ]

    def train(
        self, *words: str, environment: Mapping[str, str] = os.environ, timeout: float = PATIENCE_S
    ) -> subprocess.CompletedProcess[str]:
        """The command, to its end."""
        with self.begin(*words, environment=environment) as sweep:
            stdout, stderr = sweep.communicate(timeout=timeout)
        return subprocess.CompletedProcess(sweep.args, sweep.wait(), stdout, stderr)

    def begin(self, *words: str, environment: Mapping[str, str] = os.environ) -> Command:
        """The command, as a shell would start it."""
        return self.warm.begin("src.train", *self.words(*words), env=environment)

    def ask(
        self, *words: str, environment: Mapping[str, str] = os.environ
    ) -> subprocess.CompletedProcess[str]:
        """`audition WORDS` on this ledger."""
        words = (*words, "--output-dir", str(self.output))
        return self.warm.run("audition", *words, cwd=self.output.parent, env=environment)

    def await_step(self, step: int, arm: str = "baseline", seed: int = 1) -> None:
        """Return once that run has written a line of at least that step."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            for path in (self.output / "runs" / arm).glob(f"*/seed_{seed}/metrics.jsonl"):
                if (last_line(path.parent).get("step") or 0) >= step:
                    return
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def records(self) -> dict[str, Record]:
        """`"placebo 1"` -> its record."""
        return {f"{r.arm} {r.seed}": r for r in Ledger(self.output).read().records}


@pytest.fixture
def door(tmp_path: Path, cache_dir: str, warm: Warm) -> Door:
    return Door(tmp_path / "ledger", Path(cache_dir), warm)


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory, cache_dir: str, warm: Warm) -> Door:
    """A ledger of its own for what is trained on this machine."""
    return Door(tmp_path_factory.mktemp("home") / "ledger", Path(cache_dir), warm)

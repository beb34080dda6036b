"""The one-node Slurm of scripts/slurm, for the length of a soak, with daemons that can be killed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.soak.processes import kill

SCRIPTS = Path(__file__).parents[1] / "slurm"


class NoSlurm(Exception):
    """None can be started here, and why."""


@dataclass(frozen=True)
class Box:
    """A running Slurm inside one folder."""

    folder: Path
    environment: Mapping[str, str]  # of the scripts, and of whoever uses it

    def up(self) -> None:
        """Start what is not running. Raises NoSlurm where it does not come up."""
        command, environment = [SCRIPTS / "up.sh"], dict(self.environment)
        environment.pop("SLURM_CONF", None)
        up = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=300,
        )
        if up.returncode != 0:
            raise NoSlurm((up.stderr.strip().splitlines() or ["up.sh failed"])[-1])

    def kill(self, daemon: str) -> bool:
        """SIGKILL to `slurmd` or `slurmctld`; whether it was running."""
        # A slurmd's file has the node's name in it: slurmd.NODE.pid.
        for file in sorted((self.folder / "run").glob(f"{daemon}.*pid")):
            try:
                return kill(int(file.read_text(encoding="utf-8")))
            except (OSError, ValueError):
                continue
        return False

    def testimony(self, folder: Path) -> None:
        """Copy into `folder` what the daemons logged and what the queue says of every job."""
        shutil.copytree(self.folder / "log", folder, dirs_exist_ok=True)
        for question in ("squeue --array --states=all", "scontrol show job", "sinfo --long"):
            answer = self._ask(*question.split())
            (folder / f"{question.replace(' ', '_')}.txt").write_text(answer, encoding="utf-8")

    def running(self) -> list[str]:
        """The jobs on the node, `12_3` each; none where nobody answers."""
        command = ("squeue", "--noheader", "--array", "--states=RUNNING", "--format=%i")
        return self._ask(*command).split()

    def requeue(self, job: str) -> bool:
        """`scontrol requeue`; whether it was done."""
        return self._ask("scontrol", "requeue", job) == ""

    def cancel(self, job: str) -> bool:
        """`scancel`; whether it was done."""
        return self._ask("scancel", job) == ""

    def mend(self) -> list[str]:
        """What an administrator does: a drained node resumed, a job released that Slurm holds.

        A controller that died right after it had started a job starts it once more; the node says
        that it has it already, Slurm drains the node and holds the job, and waits for a person.
        """
        done = []
        for node in self._ask("sinfo", "--noheader", "--states=drain", "--format=%n").split():
            self._ask("scontrol", "update", f"NodeName={node}", "State=RESUME")
            done.append("a drained node was resumed")
        waiting = self._ask("squeue", "--noheader", "--array", "--states=PENDING", "--format=%i|%r")
        for job in (line.split("|")[0] for line in waiting.splitlines() if "held" in line.lower()):
            self._ask("scontrol", "release", job)
            done.append("a held job was released")
        return done

    def _ask(self, *command: str) -> str:
        answer = subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        )
        return answer.stdout if answer.returncode == 0 else " "


@contextmanager
def box() -> Iterator[Box]:
    """A Slurm of its own, gone at the end with all that is in it. Raises NoSlurm."""
    folder = Path(tempfile.mkdtemp(prefix="audition-slurm-"))
    environment = {
        **os.environ,
        "SLURM_BOX": str(folder),
        "SLURM_BOX_PORT": str(four_free_ports()),
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": f"{SCRIPTS / 'stand_in'}:{os.environ['PATH']}",
    }
    started = Box(folder, environment)
    try:
        started.up()
        yield started
    finally:
        down = [str(SCRIPTS / "down.sh"), "--purge"]
        subprocess.run(down, env=environment, capture_output=True, check=True, timeout=120)


def four_free_ports() -> int:
    """The first of four neighbouring ports that nobody listens on."""
    for first in range(30000, 32000, 4):
        with ExitStack() as held:
            try:
                for port in range(first, first + 4):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise NoSlurm("no four free ports")

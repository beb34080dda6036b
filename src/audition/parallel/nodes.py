"""The processes of a run on several nodes of a Slurm job: srun starts them and reports their exits.

srun passes the worker's bytes and its EOF to the stdin of every process, and every process's lines to
the worker, so that the messages of one machine (`launch`, `messages`) do for several.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

from audition.errors import AuditionError
from audition.parallel.messages import RankMessages

FIRST_PORT, PORTS = 12000, 20000
"""Ports of which the job's number chooses one: below those that systems give out by themselves."""

OF_TORCHRUN = {"RANK": "SLURM_PROCID", "LOCAL_RANK": "SLURM_LOCALID", "WORLD_SIZE": "SLURM_NTASKS"}
"""What torch reads -> what srun calls it."""

CAUSES_S = 2.0
"""Within this time of the first process's end that is reported, its cause is reported too [s]."""

ENDED = re.compile(r"srun: error: (\S+): tasks? ([\d,-]+): (.*)")
CODES = {signal.strsignal(each): -each for each in signal.Signals} | {"Out Of Memory": -9}


def command(nodes: int, processes: int, threads: int) -> list[str]:
    """srun's command line for the processes, evenly over the nodes of the job that this is in.

    `--overlap`, since the worker is itself a step of that job and has its first node's cores.
    """
    return [
        "srun",
        f"--jobid={os.environ['SLURM_JOB_ID']}",
        "--overlap",
        f"--nodes={nodes}",
        f"--ntasks={processes}",
        f"--ntasks-per-node={processes // nodes}",
        f"--cpus-per-task={threads}",
        "--distribution=block",
        "--kill-on-bad-exit=1",
        sys.executable,
        "-m",
        "audition.parallel.rank",
    ]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """`inherited` with the place where the processes meet: a port of the job's first node.

    Without what Slurm said to the worker's own step, which srun would take for options. A file in
    the run's folder could take the port's place and would spare no port: the sums of gloo and nccl
    go through others. Raises AuditionError where Slurm does not name the node.
    """
    kept = {k: v for k, v in inherited.items() if k == "SLURM_CONF" or not k.startswith("SLURM_")}
    for name in OF_TORCHRUN:
        kept.pop(name, None)
    host = first_host(inherited["SLURM_JOB_NODELIST"])
    return {**kept, "MASTER_ADDR": host, "MASTER_PORT": str(port_of(inherited["SLURM_JOB_ID"]))}


def first_host(nodes: str) -> str:
    """The first of Slurm's compressed list, on which the worker and rank 0 are."""
    try:
        answer = subprocess.run(
            ["scontrol", "show", "hostnames", nodes], capture_output=True, encoding="utf-8"
        )
    except OSError as error:
        raise AuditionError(f"scontrol does not start: {error.strerror}") from error
    if answer.returncode != 0 or not answer.stdout.split():
        raise AuditionError(
            f"scontrol does not say which nodes {nodes} are: {answer.stderr.strip()}"
        )
    return answer.stdout.split()[0]


def port_of(job: str) -> int:
    """A port of this node that the job's number chooses; the next free one, where it is taken."""
    first = int(job)
    for number in range(first, first + PORTS):
        port = FIRST_PORT + number % PORTS
        with socket.socket() as here, suppress(OSError):
            here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            here.bind(("", port))
            return port
    raise AuditionError(f"every port from {FIRST_PORT} to {FIRST_PORT + PORTS} is taken here")


def as_torchrun(environ: MutableMapping[str, str]) -> None:
    """Give a process that srun started the names that torch reads."""
    if "RANK" not in environ:
        environ.update({ours: environ[theirs] for ours, theirs in OF_TORCHRUN.items()})


class Exits:
    """What srun says of how its processes ended, told to `messages`; every line is passed on.

    Only of those that ended within `CAUSES_S` of the first: srun ends the others for its sake.
    """

    def __init__(self, messages: RankMessages) -> None:
        self.messages = messages
        self.first: float | None = None

    def hear(self, line: bytes) -> None:
        """Take in one line of srun's stderr, where the processes write too."""
        sys.stderr.write(line.decode(errors="replace") + "\n")
        node, codes = exits(line.decode(errors="replace"))
        if codes:
            now = time.monotonic()
            self.first = now if self.first is None else self.first
            if now - self.first < CAUSES_S:
                self.messages.ended |= codes
                self.messages.nodes |= dict.fromkeys(codes, node)


def exits(line: str) -> tuple[str, dict[str, int]]:
    """The node and `{rank: exit code}` that a line of srun's stderr reports; nothing in others.

    >>> exits("srun: error: n2: tasks 2-3: Killed")
    ('n2', {'2': -9, '3': -9})
    """
    found = ENDED.match(line.strip())
    if not found:
        return "", {}
    node, tasks, how = found.groups()
    number = re.search(r"exit code (\d+)", how)
    code = int(number[1]) if number else CODES.get(how.partition(" (")[0], 1)
    ranks: list[int] = []
    for part in tasks.split(","):
        first, _, last = part.partition("-")
        ranks += range(int(first), int(last or first) + 1)
    return node, {str(rank): code for rank in ranks}

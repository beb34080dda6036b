"""The monkeys: each does one thing to a sweep under way, and says what it met."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from subprocess import Popen

from audition.records.store import Ledger
from scripts.soak.cluster import Box
from scripts.soak.disk import Disk
from scripts.soak.processes import Cast, Process, cast, kill

WITHOUT_DAEMON_S = (0.2, 3.0)
"""How long a killed daemon stays away [s]."""
FULL_S = (0.5, 2.5)
"""How long a disk stays full [s]."""
PATIENCE, RIPE, CUT = 0.98, 0.7, 0.25
"""Chances: to wait where no run has a checkpoint yet; to choose one that has; to cut it in half."""


@dataclass(frozen=True)
class Scene:
    """A sweep under way, and all that can be done to it."""

    ledger: Ledger
    mark: str
    command: "Popen[bytes]"
    disk: Disk | None
    box: Box | None
    random: Random

    def cast(self) -> Cast:
        """Its processes now."""
        return cast(self.mark)

    def between(self, bounds: tuple[float, float]) -> float:
        """A random length of time [s]."""
        return self.random.uniform(*bounds)


Monkey = Callable[[Scene], str]
"""Does its thing; says in a few words what it met, nothing where there was nothing to disturb."""


def kill_worker(scene: Scene) -> str:
    """SIGKILL to the process of a run, and now and then half of its last checkpoint is lost too."""
    workers = sorted(each.pid for each in scene.cast().workers)
    saved = _checkpoints(scene.ledger)
    ripe = [pid for pid in workers if pid in saved]
    # Most are killed when there is something to go on from: that is where more can go wrong.
    if not workers or (not ripe and scene.random.random() < PATIENCE):
        return ""
    victim = scene.random.choice(ripe if ripe and scene.random.random() < RIPE else workers)
    cuts = scene.random.random() < CUT
    if not kill(victim):
        return ""
    checkpoint = saved.get(victim)
    if checkpoint is None or not checkpoint.exists():
        return "before its first checkpoint"
    if not cuts:
        return "after a checkpoint"
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    return "after a checkpoint, which was cut in half"


def _checkpoints(ledger: Ledger) -> dict[int, Path]:
    """Process -> the checkpoint of the run that it trains, where there is one."""
    running = (record for record in ledger.read().records if record.status == "running")
    paths = {each.pid: ledger.folder_of(each) / "checkpoint.pt" for each in running}
    return {pid: path for pid, path in paths.items() if path.exists()}


def kill_server(scene: Scene) -> str:
    """SIGKILL to a fork server."""
    return _killed_one(scene, scene.cast().servers)


def kill_job(scene: Scene) -> str:
    """SIGKILL to what Slurm started on the node."""
    return _killed_one(scene, scene.cast().jobs)


def kill_command(scene: Scene) -> str:
    """SIGKILL to the command itself."""
    if not scene.cast().workers:
        return ""
    scene.command.kill()
    return "with runs under way"


def fill_disk(scene: Scene) -> str:
    """Not a byte free for a while."""
    if scene.disk is None or not scene.cast().workers:
        return ""
    seconds = scene.between(FULL_S)
    scene.disk.fill(seconds)
    return "freed after 0.5 to 2.5 s"


def kill_slurmd(scene: Scene) -> str:
    """SIGKILL to the node's daemon, which up.sh starts again."""
    return _restart(scene, "slurmd")


def kill_slurmctld(scene: Scene) -> str:
    """SIGKILL to the controller, which up.sh starts again."""
    return _restart(scene, "slurmctld")


def _restart(scene: Scene, daemon: str) -> str:
    if scene.box is None or not scene.cast().jobs or not scene.box.kill(daemon):
        return ""
    time.sleep(scene.between(WITHOUT_DAEMON_S))
    scene.box.up()
    return "started again after 0.2 to 3 s"


def requeue(scene: Scene) -> str:
    """`scontrol requeue` of a job on the node."""
    jobs = scene.box.running() if scene.box else []
    return "back in the queue" if jobs and _told(scene, "requeue", jobs) else ""


def cancel(scene: Scene) -> str:
    """`scancel` of a job on the node."""
    jobs = scene.box.running() if scene.box else []
    return "gone from the queue" if jobs and _told(scene, "cancel", jobs) else ""


def _told(scene: Scene, what: str, jobs: list[str]) -> bool:
    assert scene.box is not None
    job = scene.random.choice(jobs)
    return scene.box.requeue(job) if what == "requeue" else scene.box.cancel(job)


def _killed_one(scene: Scene, processes: Sequence[Process]) -> str:
    under_way = processes and scene.cast().workers
    return "with runs under way" if under_way and kill(scene.random.choice(processes).pid) else ""


MONKEYS: Mapping[str, Monkey] = {
    "SIGKILL of a worker": kill_worker,
    "SIGKILL of a fork server": kill_server,
    "SIGKILL of the command": kill_command,
    "SIGKILL of a job's process": kill_job,
    "SIGKILL of slurmd": kill_slurmd,
    "SIGKILL of slurmctld": kill_slurmctld,
    "scontrol requeue": requeue,
    "scancel": cancel,
    "full disk": fill_disk,
}

"""Where planned runs are trained: by this machine's pool, by jobs of Slurm, by a launcher of Hydra's.

Sweeps, races, searches and tuning all hand their runs to one `Executor`.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher

from audition.console import say
from audition.errors import AuditionError
from audition.reasons import described
from audition.records.record import BASELINE
from audition.sweep.cluster.launch import on_cluster
from audition.sweep.cluster.settings import Cluster
from audition.sweep.local import PRELOAD, train_all, train_until
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import Job, PoolSettings, Server, ServerLost, warm
from audition.sweep.resolve_auto import told
from audition.sweep.say import pool_line

REHEARSAL = "audition.training.rehearsal:work"
NO_QUEUE = (
    "submit=detach needs a cluster's queue to leave the runs in: add hydra/launcher=slurm_cpu, "
    "slurm_gpu or submitit_slurm"
)


class Executor(Protocol):
    """Where runs are trained."""

    def check(self, runs: Sequence[PlannedRun]) -> None:
        """Raise AuditionError for the first of `runs` that could not begin, before any does."""
        ...

    def train(self, runs: Sequence[PlannedRun]) -> None:
        """Return when each of `runs` has an outcome in the ledger, or a failure.

        Raises KeyboardInterrupt where it is stopped, and `cluster.launch.Detached` where the runs
        were left in a queue.
        """
        ...


@dataclass
class LocalExecutor:
    """The pool of this machine; `settings` is the one that suits some runs, or refuses them."""

    settings: Callable[[Sequence[PlannedRun]], PoolSettings]
    server: Server
    _said: str = ""

    def check(self, runs: Sequence[PlannedRun]) -> None:
        if runs:
            self.settings(runs)
            rehearse(runs, self.server)

    def train(self, runs: Sequence[PlannedRun]) -> None:
        if runs:
            train_all(runs, self._told(runs), self.server)

    def train_until(self, runs: Sequence[PlannedRun], bell: Callable[[], bool]) -> None:
        """Train `runs` in the order given, until `bell` says that the time is up."""
        if runs:
            train_until(runs, self._told(runs), self.server, bell)

    def _told(self, runs: Sequence[PlannedRun]) -> PoolSettings:
        settings = self.settings(runs)
        if (line := pool_line(settings)) not in ("", self._said):
            say(line)
            self._said = line
        return settings


@dataclass(frozen=True)
class SlurmExecutor:
    """An array of jobs for each set of runs; `detach` leaves them in the queue."""

    cluster: Cluster
    detach: bool
    server: Server

    def check(self, runs: Sequence[PlannedRun]) -> None:
        rehearse(runs, self.server)

    def train(self, runs: Sequence[PlannedRun]) -> None:
        if runs:
            on_cluster(self.cluster, self.detach)(runs[0].plan, runs)


@dataclass(frozen=True)
class HydraExecutor:
    """Another launcher, which is handed the overrides that make each run.

    What came of them is read from the ledger, not from what the launcher returns: some launchers
    lose the results of healthy jobs when a neighbour dies, or raise on account of it.
    """

    launcher: Launcher
    server: Server

    def check(self, runs: Sequence[PlannedRun]) -> None:
        rehearse(runs, self.server)

    def train(self, runs: Sequence[PlannedRun]) -> None:
        if not runs:
            return
        try:
            self.launcher.launch([list(filed(run)) for run in runs], initial_job_idx=0)
        except (AuditionError, HydraException):
            raise
        except Exception as error:
            print(f"audition: the launcher gave up ({described(error)})", file=sys.stderr)


@runtime_checkable
class PoolLauncher(Protocol):
    """A launcher of ours for this machine."""

    def pool_settings(self, runs: Sequence[PlannedRun] = ()) -> PoolSettings:
        """The pool for `runs`; a server for it can be warmed before they are known."""
        ...


@runtime_checkable
class ClusterLauncher(Protocol):
    """A launcher of ours for a cluster's queue."""

    def cluster(self) -> Cluster:
        """How runs become jobs."""
        ...


@contextmanager
def executor_of(launcher: Launcher, submit: str = "wait") -> Iterator[Executor]:
    """The executor for a launcher; its server warms up while the caller composes and checks.

    submit: `wait`, or `detach` to leave the runs in a queue. Raises AuditionError for a third word,
    and where there is no queue.
    """
    if submit not in ("wait", "detach"):
        raise AuditionError(f"submit='{submit}' is neither wait nor detach")
    cluster = cluster_of(launcher)
    if submit == "detach" and cluster is None:
        raise AuditionError(NO_QUEUE)
    ours = launcher.pool_settings if isinstance(launcher, PoolLauncher) else None
    with warm(ours() if ours else PoolSettings(preload=PRELOAD)) as server:
        if cluster is not None:
            yield SlurmExecutor(cluster, submit == "detach", server)
        elif ours is not None:
            yield LocalExecutor(ours, server)
        else:
            yield HydraExecutor(launcher, server)


def cluster_of(launcher: Launcher) -> Cluster | None:
    """How runs become jobs of Slurm, by our launcher or Hydra's own; None for any other launcher."""
    if isinstance(launcher, ClusterLauncher):
        return launcher.cluster()
    # Hydra's would wait for accounts that a cluster may not keep, and give all runs up with one.
    stock = getattr(launcher, "_EXECUTOR", None) == "slurm"
    return Cluster.of_stock(vars(launcher)["params"]) if stock else None


def filed(run: PlannedRun) -> tuple[str, ...]:
    """The run's overrides, how it is to be filed, and what `auto` was resolved to here."""
    return (
        *run.overrides,
        f"arm.name='{run.arm.name}'",
        f"arm.baseline='{run.baseline_hash}'",
        f"arm.plan='{run.plan}'",
        f"arm.config_hash='{run.identity.config_hash}'",
        *told(run.settings),
    )


def rehearse(runs: Sequence[PlannedRun], server: Server) -> None:
    """Put every configuration of `runs` together once, in a process that has torch.

    The server forks one process for all of them; where that dies, the runs will say why. Raises
    AuditionError for the first configuration that could not be put together.
    """
    distinct = {run.identity.config_hash: run for run in reversed(runs)}
    waiting = [run for run in runs if distinct.get(run.identity.config_hash) is run]
    if not waiting:
        return
    with tempfile.TemporaryDirectory(prefix="audition-") as folder:
        answer = Path(folder, "answer.json")
        payload = {"settings": [dict(run.settings) for run in waiting], "answer": str(answer)}
        try:
            server.do(REHEARSAL, Job(label="rehearsal", group="rehearsal", payload=payload))
        except ServerLost:
            return server.restart()
        if answer.exists():
            number, why = json.loads(answer.read_text(encoding="utf-8"))
            raise AuditionError(refusal(waiting[number].arm.name, why))
    return None


def refusal(arm: str, why: str) -> str:
    """The sentence for an arm that cannot be put together; the baseline is what was typed."""
    return why if arm == BASELINE else f"arm '{arm}': {why}"

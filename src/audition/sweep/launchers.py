"""Three ways from missing runs to a filled ledger: our pool, a cluster, any launcher of Hydra's."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher

from audition.errors import AuditionError
from audition.reasons import described
from audition.sweep.cluster.launch import on_cluster
from audition.sweep.cluster.settings import Cluster
from audition.sweep.local import PRELOAD, train_all
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import PoolSettings, Server, warm
from audition.sweep.rehearse import rehearse
from audition.sweep.say import pool_line

Train = Callable[[Sequence[PlannedRun]], None]
"""Gives every run an outcome in the ledger, or a failure; raises KeyboardInterrupt when stopped."""


@dataclass(frozen=True)
class Launch:
    """A way to train planned runs, and to know beforehand that they can be trained."""

    server: Server
    """A process that has torch: it puts configurations together before they are run."""
    suits: Callable[[Sequence[PlannedRun]], object]
    """Raises AuditionError where this machine lacks what runs need that are made on it."""
    train: Callable[[str, Sequence[PlannedRun]], None]
    """Trains runs of the registered plan whose digest comes first."""

    def check(self, runs: Sequence[PlannedRun]) -> None:
        """Raise AuditionError for the first of `runs` that could not begin, before any does."""
        if runs:
            self.suits(runs)
            rehearse(runs, self.server)

    def __call__(self, plan: str, runs: Sequence[PlannedRun]) -> None:
        self.train(plan, runs)


NO_QUEUE = (
    "submit=detach needs a cluster's queue to leave the runs in: add hydra/launcher=slurm_cpu, "
    "slurm_gpu or submitit_slurm"
)


@runtime_checkable
class WarmLauncher(Protocol):
    """A launcher of ours, which takes planned runs as they are."""

    def pool_settings(self, runs: Sequence[PlannedRun] = ()) -> PoolSettings:
        """The pool to run them on; a server for it can be warmed before they are known."""
        ...


@runtime_checkable
class ClusterLauncher(Protocol):
    """A launcher of ours, which hands planned runs to a cluster's queue."""

    def cluster(self) -> Cluster:
        """How runs become jobs."""
        ...


@contextmanager
def ready(launcher: Launcher, *, detach: bool = False) -> Iterator[Launch]:
    """A way to train; a server warms up while the caller composes and checks.

    detach: raise Detached once the runs are in a queue. AuditionError where there is no queue.
    """
    cluster = cluster_of(launcher)
    if detach and cluster is None:
        raise AuditionError(NO_QUEUE)
    settings = launcher.pool_settings if isinstance(launcher, WarmLauncher) else None
    with warm(settings() if settings else PoolSettings(preload=PRELOAD)) as server:
        if cluster is not None:
            yield Launch(server, list, on_cluster(cluster, detach))
        elif isinstance(launcher, WarmLauncher):
            train = _on_pool(launcher, server)
            yield Launch(server, launcher.pool_settings, lambda plan, runs: train(runs))
        else:
            yield Launch(server, list, lambda plan, runs: _through_hydra(launcher, runs))


def cluster_of(launcher: Launcher) -> Cluster | None:
    """How runs become jobs of Slurm, by our launcher or Hydra's own; None for any other launcher."""
    if isinstance(launcher, ClusterLauncher):
        return launcher.cluster()
    # Hydra's would wait for accounts that a cluster may not keep, and give all runs up with one.
    stock = getattr(launcher, "_EXECUTOR", None) == "slurm"
    return Cluster.of_stock(vars(launcher)["params"]) if stock else None


def _on_pool(launcher: WarmLauncher, server: Server) -> Train:
    """Train on the pool that suits the runs, and say once where its width comes from."""
    said = ""

    def train(runs: Sequence[PlannedRun]) -> None:
        nonlocal said
        settings = launcher.pool_settings(runs)
        if runs and (line := pool_line(settings)) not in ("", said):
            print(f"audition: {line}", file=sys.stderr)
            said = line
        train_all(runs, settings, server)

    return train


def _through_hydra(launcher: Launcher, runs: Sequence[PlannedRun]) -> None:
    """Hand the runs to a launcher of Hydra's kind, as the overrides that make each of them.

    What came of them is read from the ledger, not from what the launcher returns: some launchers
    lose the results of healthy jobs when a neighbour dies, or raise on account of it.
    """
    if not runs:
        return
    try:
        launcher.launch([list(filed(run)) for run in runs], initial_job_idx=0)
    except (AuditionError, HydraException):
        raise
    except Exception as error:
        print(f"audition: the launcher gave up ({described(error)})", file=sys.stderr)


def filed(run: PlannedRun) -> tuple[str, ...]:
    """The run's overrides, how it is to be filed, and what `auto` was settled as here."""
    settings = run.settings
    return (
        *run.overrides,
        f"arm.name='{run.arm.name}'",
        f"arm.baseline='{run.baseline_hash}'",
        f"arm.plan='{run.plan}'",
        f"arm.config_hash='{run.identity.config_hash}'",
        f"arm.device={settings['execution']['device']}",
        f"arm.precision={settings['precision']['_target_']}",
    )

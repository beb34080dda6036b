"""Two ways from missing runs to a filled ledger: our pool, or whatever launcher Hydra was given."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher

from audition.errors import AuditionError
from audition.sweep.local import train_all
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import PoolSettings, warm

Train = Callable[[Sequence[PlannedRun]], None]
"""Gives every run an outcome in the ledger, or a failure; raises KeyboardInterrupt when stopped."""


@runtime_checkable
class WarmLauncher(Protocol):
    """A launcher of ours, which takes planned runs as they are."""

    def pool_settings(self) -> PoolSettings:
        """The pool to run them on."""
        ...


@contextmanager
def ready(launcher: Launcher) -> Iterator[Train]:
    """A way to train; the pool's server warms up while the caller composes and checks."""
    if isinstance(launcher, WarmLauncher):
        settings = launcher.pool_settings()
        with warm(settings) as server:
            yield lambda runs: train_all(runs, settings, server)
    else:
        yield lambda runs: _through_hydra(launcher, runs)


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
        print(f"audition: the launcher gave up ({type(error).__name__})", file=sys.stderr)


def filed(run: PlannedRun) -> tuple[str, ...]:
    """The run's overrides, how it is to be filed, and what `auto` was settled as here."""
    settings = run.settings
    return (
        *run.overrides,
        f"arm.name='{run.arm.name}'",
        f"arm.baseline='{run.baseline_hash}'",
        f"arm.device={settings['execution']['device']}",
        f"arm.precision={settings['precision']['_target_']}",
    )

"""Where the runs of a search are made: on the pool of this machine, or by the jobs of a cluster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from audition.errors import AuditionError
from audition.records.store import Ledger
from audition.sweep.compose import Composer
from audition.sweep.launchers import NO_QUEUE, Launch, WarmLauncher, cluster_of
from audition.sweep.local import train_all
from audition.sweep.plan import Plan, PlannedRun
from audition.sweep.pool import warm
from audition.sweep.search.account.look import accounted
from audition.sweep.search.servers import Servers
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.space.points import Points
from audition.sweep.search.study.storage import prepare_optuna
from audition.sweep.search.study.study import Study
from audition.sweep.search.trials import Pool, carry_on
from audition.sweep.signals import interrupt_on_signals


@dataclass(frozen=True)
class Bench:
    """Where trials are planned and made."""

    compose: Composer
    pool: Pool

    def study(self, settings: SearchSettings, points: Points, name: str) -> Study:
        """The study, with every trial made that it lacked."""
        with accounted(Ledger(points.output_dir), name, settings.storage):
            return carry_on(settings, points, name, self.pool)

    def launch(self) -> Launch:
        """The same place for runs that are known beforehand."""
        return Launch(self.pool.server, self.pool.settings, lambda plan, runs: self.make(runs))

    def make(self, runs: Sequence[PlannedRun]) -> None:
        """Train `runs`, which may be none."""
        if runs:
            train_all(runs, self.pool.settings(runs), self.pool.server)

    def train(self, plan: Plan, ledger: Ledger) -> bool:
        """Train what the ledger lacks of `plan`; whether every run has its outcome then."""
        self.make(plan.missing(ledger.read()))
        return not plan.missing(ledger.read())


@contextmanager
def bench(
    hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
) -> Iterator[Bench]:
    """The pool of this machine. Raises AuditionError for a launcher that takes whole batches."""
    prepare_optuna()
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=hydra_context, task_function=task_function, config=config
    )
    if cluster_of(launcher) is not None or not isinstance(launcher, WarmLauncher):
        name = config.hydra.runtime.choices.get("hydra/launcher")
        raise AuditionError(
            f"hydra/launcher={name} takes runs in batches, and a search asks for them one by one: "
            "leave the launcher out, and submit this command itself as often as there are machines; "
            "all serve one study"
        )

    def settings(runs: Sequence[PlannedRun]) -> Any:
        return launcher.pool_settings(runs)

    with interrupt_on_signals(), warm(launcher.pool_settings()) as server:
        yield Bench(Composer.of_hydra(config.hydra), Pool(settings, server))


@contextmanager
def place_of(
    hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
) -> Iterator[Bench | Servers]:
    """The jobs of a cluster where the launcher is one's, else the pool of this machine."""
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=hydra_context, task_function=task_function, config=config
    )
    detach = config.submit == "detach"
    if (cluster := cluster_of(launcher)) is not None:
        prepare_optuna()
        with interrupt_on_signals():
            yield Servers(Composer.of_hydra(config.hydra), cluster, detach)
    elif detach:
        raise AuditionError(NO_QUEUE)
    else:
        with bench(hydra_context, task_function, config) as place:
            yield place

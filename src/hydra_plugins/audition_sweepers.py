"""Audition's sweepers in Hydra: every run, a race, a calibration, a search.

Hydra imports every module of this namespace at start-up, so nothing heavy is imported up here.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from audition.sweep.search.settings import SearchSettings
from audition.sweep.settings import CalibrateSettings, RaceSettings, SweepSettings

if TYPE_CHECKING:
    from audition.sweep.compose import Application
    from audition.sweep.plan import PlannedRun
    from audition.sweep.pool import PoolSettings
    from audition.sweep.show import Show
    from audition.sweep.sweeper import Style


def in_terminal() -> "Show":
    """Answers printed for the person who typed the sweep."""
    from audition.report.runs import show_runs
    from audition.report.terminal import show_judgements
    from audition.sweep.show import Show

    return Show(show_judgements, show_runs)


def timed(runs: "Sequence[PlannedRun]", pool: "PoolSettings") -> "Mapping[str, float]":
    """How long runs take on this machine, measured by the bench where a sprint asks."""
    from audition.bench import pace

    return pace.timed(runs, pool)


class Plugged(Sweeper):
    """What they have in common. Each is its own settings, which are frozen."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        vars(self).update(hydra_context=hydra_context, task_function=task_function, config=config)

    def application(self) -> "Application":
        """The application that the sweep runs in, once what was typed below `hydra.` is checked."""
        from audition.sweep.compose import Application
        from audition.sweep.keys import check_hydra

        assert self.hydra_context is not None
        assert self.config is not None
        check_hydra(self.config.hydra)
        return Application(self.hydra_context, vars(self)["task_function"], self.config)


class AuditionSweeper(SweepSettings, Plugged):
    """Pairs every arm with its baseline, runs what is missing, and prints the verdict."""

    def style(self) -> "Style":
        """How the runs are spent."""
        from audition.sweep.sweeper import EveryRun

        return EveryRun(confirms=self.confirm)

    def sweep(self, arguments: list[str]) -> None:
        from audition.sweep.sweeper import sweep

        sweep(arguments, self, self.style(), in_terminal(), self.application(), timed)


class RaceSweeper(RaceSettings, AuditionSweeper):
    """Spends fewer runs on many ideas: screening seeds drop most, fresh seeds judge the rest."""

    def style(self) -> "Style":
        from audition.sweep.race import RaceStyle

        return RaceStyle(self)


class CalibrateSweeper(CalibrateSettings, AuditionSweeper):
    """Trains placebos alone, so that the rules can be tried on ideas that do nothing."""

    def style(self) -> "Style":
        from audition.sweep.calibrate import CalibrateStyle

        return CalibrateStyle(self, self.application().composer)

    def sweep(self, arguments: list[str]) -> None:
        from audition.errors import AuditionError

        typed = any(word.lstrip("+").startswith("tune=") for word in arguments)
        if self.confirm or typed or self.application().config.get("tune"):
            raise AuditionError(
                "a calibration compares like with like, tuned or not, by itself: leave tune= and "
                "hydra.sweeper.confirm out; hydra.sweeper.key=KEY says what is tuned"
            )
        super().sweep(arguments)


class SearchSweeper(SearchSettings, Plugged):
    """Asks for trials one by one, and judges the best of them on fresh seeds against the default."""

    def sweep(self, arguments: list[str]) -> None:
        from audition.sweep.search.search import search

        search(arguments, self, in_terminal(), self.application())

"""Audition's sweepers in Hydra: every run, a race, a search.

Hydra imports every module of this namespace at start-up, so nothing heavy is imported up here.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from audition.sweep.show import Show
    from audition.sweep.sweeper import Style


def in_terminal() -> "Show":
    """Answers printed for the person who typed the sweep."""
    from audition.report.runs import show_runs
    from audition.report.terminal import show_judgements
    from audition.sweep.show import Show

    return Show(show_judgements, show_runs)


class AuditionSweeper(Sweeper):
    """Pairs every arm with its baseline, runs what is missing, and prints the verdict.

    Args:
        params: overrides of a campaign, as on the command line.
        arms: further arms of a campaign, each a line of overrides.
    """

    def __init__(
        self, *, params: Mapping[str, Any] | None = None, arms: Sequence[str] | None = None
    ) -> None:
        # As they are typed: `sweep` looks whether they are what the annotations say.
        self.params = params or {}
        self.arms = arms or ()

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def style(self) -> "Style":
        """How the runs are spent."""
        from audition.sweep.sweeper import EveryRun

        return EveryRun()

    def sweep(self, arguments: list[str]) -> None:
        from audition.sweep.keys import check_hydra
        from audition.sweep.sweeper import sweep

        assert self.hydra_context is not None
        assert self.config is not None
        check_hydra(self.config.hydra)
        sweep(
            arguments,
            self.params,
            self.arms,
            self.style(),
            in_terminal(),
            hydra_context=self.hydra_context,
            task_function=self.task_function,
            config=self.config,
        )


class RaceSweeper(AuditionSweeper):
    """Spends fewer runs on many ideas: screening seeds drop most, fresh seeds judge the rest.

    Args:
        params: overrides of a campaign, as on the command line.
        arms: further arms of a campaign, each a line of overrides.
        fresh_seeds: seeds that judge the survivors, beside the screening seeds `seed=...`.
        drop_below: mean gain over the screening seeds under which an idea is dropped, in standard
            deviations of a same-seed difference.
    """

    def __init__(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        arms: Sequence[str] | None = None,
        fresh_seeds: Annotated[int, Gt(1)] = 5,
        drop_below: float = 0.58,
    ) -> None:
        super().__init__(params=params, arms=arms)
        self.fresh_seeds = fresh_seeds
        self.drop_below = drop_below

    def style(self) -> "Style":
        from audition.sweep.race_style import RaceStyle

        return RaceStyle(self.fresh_seeds, self.drop_below)


class SearchSweeper(AuditionSweeper):
    """Asks for trials one by one, and judges the best of them on fresh seeds against the default.

    Args:
        params: overrides of a campaign, as on the command line.
        arms: a search has none.
        space: key: {low, high, log, step}, a list of choices, or {choice: {key: ...}}.
        trials: in all, whichever processes serve the study.
        objectives: metrics, each made as good as can be, or facts of a record made small; the first
            is the one judged; null is the metric that the task is judged by.
        sampler: tpe, random, qmc, gp, nsga2 or grid.
        sampler_seed: of the process that makes the study; others derive theirs from it.
        pruner: auto, wilcoxon, median, hyperband or none.
        prune_p: Wilcoxon's p under which a trial is given up between two seeds.
        study: its name; null makes one from what is asked, so that the same command goes on.
        storage: null for a journal file beside the ledger, or postgresql://USER@HOST/DATABASE.
        known: points tried after the default, each a line of overrides.
        candidates: best trials that are run on fresh seeds.
        fresh_seeds: how many those are.
        write: name of an experiment that the answer is written to.
    """

    def __init__(
        self,
        *,
        params: Mapping[str, Any] | None = None,
        arms: Sequence[str] | None = None,
        space: Mapping[str, Any] | None = None,
        trials: Annotated[int, Gt(0)] = 40,
        objectives: Sequence[str] | None = None,
        sampler: Literal["tpe", "random", "qmc", "gp", "nsga2", "grid"] = "tpe",
        sampler_seed: Annotated[int, Interval(ge=0, lt=2147483648)] = 0,
        pruner: Literal["auto", "wilcoxon", "median", "hyperband", "none"] = "auto",
        prune_p: Annotated[float, Interval(gt=0, lt=1)] = 0.3,
        study: str | None = None,
        storage: str | None = None,
        known: Sequence[str] | None = None,
        candidates: Annotated[int, Ge(0)] = 2,
        fresh_seeds: Annotated[int, Gt(1)] = 5,
        write: str | None = None,
    ) -> None:
        super().__init__(params=params, arms=arms)
        self.settings: dict[str, Any] = {
            "space": space,
            "trials": trials,
            "objectives": objectives or (),
            "sampler": sampler,
            "sampler_seed": sampler_seed,
            "pruner": pruner,
            "prune_p": prune_p,
            "study": study,
            "storage": storage,
            "known": known or (),
            "candidates": candidates,
            "fresh_seeds": fresh_seeds,
            "write": write,
        }

    def sweep(self, arguments: list[str]) -> None:
        from audition.sweep.keys import check_hydra
        from audition.sweep.search.search import search
        from audition.sweep.search.settings import SearchSettings

        assert self.hydra_context is not None
        assert self.config is not None
        check_hydra(self.config.hydra)
        space = self.settings["space"]
        plain = OmegaConf.to_container(space) if isinstance(space, DictConfig) else space
        lists = {name: tuple(self.settings[name]) for name in ("objectives", "known")}
        search(
            arguments,
            self.params,
            self.arms,
            SearchSettings(**{**self.settings, **lists, "space": plain}),
            in_terminal(),
            hydra_context=self.hydra_context,
            task_function=self.task_function,
            config=self.config,
        )

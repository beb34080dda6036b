"""Comparisons of tuned arms whose losses are given: what matters is which arm was tried at what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from search_entries import file

from audition.records.store import Ledger
from audition.sweep.arms import Question
from audition.sweep.compose import Composer
from audition.sweep.plan import PlannedRun, make_plan
from audition.sweep.show import SILENT
from audition.sweep.tune.compare_tuned import TunedComparison
from audition.sweep.tune.entrants import entrants
from audition.sweep.tune.settings import Tune, Tuning

SEEDS = (42, 137, 256)


class Given:
    """Runs whose outcomes are given need no machine, and nothing put together beforehand."""

    def __init__(self, make: Callable[[Sequence[PlannedRun]], None]) -> None:
        self.make = make

    def check(self, runs: Sequence[PlannedRun]) -> None:
        """Nothing to look at."""

    def train(self, runs: Sequence[PlannedRun]) -> None:
        self.make(runs)


@dataclass
class Arena:
    """A ledger, and every run that was made in it, in order."""

    common: tuple[str, ...]
    compose: Composer
    ask: Callable[[str], Question]
    made: list[PlannedRun] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return Ledger(Path(self.compose(self.common)["paths"]["output_dir"]))

    def question(self, line: str) -> Question:
        """What `line` asks of the tiny model, on the seeds that screen."""
        return replace(self.ask(" ".join((*self.common, line))), seeds=SEEDS)

    def comparison(self, line: str, **tuning: float) -> TunedComparison:
        question = self.question(line)
        tune = Tune(",".join(question.tune), keys=question.tune)
        plan = make_plan(question, self.compose)
        return TunedComparison(
            question=question,
            tune=tune,
            tuning=Tuning(**tuning),
            plan=plan,
            compose=self.compose,
            executor=Given(self.make),
            ledger=self.ledger,
            entrants=entrants(question, plan, self.compose),
            show=SILENT,
        )

    def make(self, runs: Sequence[PlannedRun]) -> None:
        for run in runs:
            file(run.record, run.settings)
            self.made.append(run)


@pytest.fixture
def arena(
    composer: Composer, ask: Callable[[str], Question], tmp_path: Path, cache_dir: str
) -> Arena:
    common = (
        "model=tiny",
        "data.evaluation_tokens=512",
        f"paths.output_dir={tmp_path / 'ledger'}",
        f"paths.cache_dir={cache_dir}",
    )
    return Arena(common, composer, ask)

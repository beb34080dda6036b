"""A sweep of placebos: campaigns in which no idea does anything, each on seeds of its own.

Each placebo is compared with its campaign's baseline, so that the rules can be tried on real runs.
"""

import time
from dataclasses import dataclass, replace
from itertools import chain
from math import ceil

from audition.console import say
from audition.errors import AuditionError
from audition.records.placebos import PLACEBOS, Entrant, PlaceboCampaigns
from audition.records.store import Ledger
from audition.sweep.arms import MOST_RUNS, Arm, Question, arm_name
from audition.sweep.compose import Composer
from audition.sweep.confirm import say_diverged, say_missing
from audition.sweep.executors import Executor
from audition.sweep.plan import Plan
from audition.sweep.search.space.keys import standing
from audition.sweep.settings import CalibrateSettings
from audition.sweep.show import Show
from audition.sweep.tune.lattice import lattice
from audition.text import count, roughly

AT_ONCE = 10
"""Campaigns that are trained side by side where runs are not packed."""
DOSE = "ideas.placebo.dose=d{}"


@dataclass
class CalibrateStyle:
    """Every placebo at every value of the tuned key, on the seeds of every campaign."""

    settings: CalibrateSettings
    compose: Composer

    chooses = False

    @property
    def campaigns(self) -> int:
        """As many as have the comparisons that are asked for."""
        return ceil(self.settings.runs / self.settings.ideas)

    def widen(self, question: Question) -> Question:
        """The question with its placebos as arms, and the seeds of all campaigns.

        Raises AuditionError for arms or seeds that were typed, and for more runs than a sweep may have.
        """
        if question.arms:
            raise AuditionError(
                f"'{question.arms[0].name}' is an arm, and a calibration has placebos alone: type "
                "plainly what every run is to have, without +idea= and --arm"
            )
        if question.seeds is not None:
            raise AuditionError(
                "a calibration gives each campaign seeds of its own: leave seed= out; "
                "hydra.sweeper.screening_seeds and fresh_seeds say how many"
            )
        own, tuned = self.settings, self._values(question)
        doses = [("+idea=placebo", DOSE.format(k)) for k in range(1, own.ideas + 1)]
        choices = [
            *((value,) for value in tuned),
            *((*dose, *value) for dose in doses for value in ((), *((v,) for v in tuned))),
        ]
        seeds = self.campaigns * (own.screening_seeds + own.fresh_seeds)
        if (runs := (len(choices) + 1) * seeds) > MOST_RUNS:
            raise AuditionError(
                f"runs={own.runs} comparisons are {runs:,} runs, and a sweep may have {MOST_RUNS:,}: "
                "ask for fewer"
            )
        arms = tuple(Arm(arm_name(choice), (*question.common, *choice)) for choice in choices)
        return replace(question, arms=arms, seeds=tuple(range(1, seeds + 1)))

    def judged_on(self, plan: Plan) -> tuple[int, ...]:
        """All seeds count."""
        return ()

    def conduct(self, plan: Plan, executor: Executor, ledger: Ledger, show: Show) -> bool:
        """Write down which runs make which comparisons, and train what the ledger lacks."""
        layout = self.layout(plan)
        PLACEBOS.write(ledger.root, layout.baseline_hash, layout)
        say(
            f"{count(layout.campaigns, 'campaign')} of {count(len(layout.placebos), 'placebo')} and a "
            f"baseline, on {layout.screening_seeds} + {layout.fresh_seeds} seeds each: "
            f"{count(layout.campaigns * len(layout.placebos), 'comparison')} of like with like."
        )
        pack = plan.runs[0].settings["execution"]["pack"]
        parts = parts_of(layout, 0 if pack == "off" else int(pack))
        began, trained = time.monotonic(), 0
        for left, (hashes, seeds) in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
            missing = [
                run
                for run in plan.missing(ledger.read())
                if run.seed in seeds and run.identity.config_hash in hashes
            ]
            if not missing:
                continue
            executor.train(missing)
            trained += 1
            if left:
                passed = roughly((time.monotonic() - began) / trained * left)
                say(f"{count(left, 'part')} of {len(parts)} left, about {passed}.")
        contents = ledger.read()
        return say_missing(plan, contents, ledger) and say_diverged(plan, contents)

    def layout(self, plan: Plan) -> PlaceboCampaigns:
        """Which runs of `plan` make which comparisons."""
        own = self.settings
        hashes = (plan.baseline_hash, *(config_hash for _, config_hash in plan.arms()))
        tuned = (len(hashes) - 1 - own.ideas) // (own.ideas + 1)
        placebos = hashes[1 + tuned :]
        return PlaceboCampaigns(
            baseline_hash=plan.baseline_hash,
            metric=plan.metric,
            screening_seeds=own.screening_seeds,
            fresh_seeds=own.fresh_seeds,
            campaigns=self.campaigns,
            key=(own.key or "") if tuned else "",
            baseline=Entrant(name="baseline", config_hashes=hashes[: 1 + tuned]),
            placebos=tuple(
                Entrant(name=f"d{k + 1}", config_hashes=placebos[k * (1 + tuned) :][: 1 + tuned])
                for k in range(own.ideas)
            ),
        )

    def _values(self, question: Question) -> tuple[str, ...]:
        """The tuned key at each value but its default, as it would be typed."""
        own = self.settings
        if own.key is None or own.trials < 2:
            return ()
        default = standing(self.compose, question.common)(own.key)
        if default is None:
            raise AuditionError(f"hydra.sweeper.key={own.key}: the recipe has no such setting")
        values = lattice(own.key, default, own.trials, own.factor)
        return tuple(f"{own.key}={value:.12g}" for value in values if value != default)


def parts_of(layout: PlaceboCampaigns, pack: int) -> list[tuple[frozenset[str], frozenset[int]]]:
    """Config hashes and seeds that are trained one part after another.

    Arms as they come first, so that most rules can be tried early, then at the other values. A part
    has as many campaigns as fill a pack, or AT_ONCE. pack: runs of one; 0 without packs.
    """
    each = layout.screening_seeds + layout.fresh_seeds
    many = each * max(1, pack // each if pack else AT_ONCE)
    seeds = layout.seeds
    groups = [frozenset(seeds[k : k + many]) for k in range(0, len(seeds), many)]
    tries = list(zip(*(arm.config_hashes for arm in layout.arms), strict=True))
    hashes = (frozenset(tries[0]), frozenset(chain(*tries[1:])))
    return [(arms, group) for arms in hashes if arms for group in groups]

"""An arm beside its baseline: what it is judged by, and which of both arms' runs count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from audition.answers.arms import ArmRuns
from audition.answers.standing import counted, seeds_text
from audition.records.registration import ALPHA, DEFAULT_SIDES, Registration
from audition.stats.distributions import Sides

OWN = "the default of this measure, in its task"
PLANNED = "set before the first run, by analysis.margin"
ASKED = "asked for now"
SIGMA = "one σ of the seeds of these runs, since neither plan nor measure names a gain"
"""Who says what gain counts."""


@dataclass(frozen=True)
class Terms:
    """What an arm is judged by."""

    metric: str
    sesoi: float | None  # smallest gain that counts, in the metric's unit; None: one pooled sigma
    alpha: float
    sides: Sides
    source: str = field(default="", compare=False)  # who says what gain counts


def terms_of(
    arm: ArmRuns,
    baseline: ArmRuns,
    plans: Sequence[Registration],
    metric: str | None,
    sesoi: float | None,
    alpha: float | None,
    sides: Sides | None,
) -> Terms:
    """What `arm` is judged by: what is asked for now, else its first plan's, else the measure's own."""
    named = (p for p in plans if p.baseline_hash == baseline.config_hash and p.arm(arm.config_hash))
    plan = next(named, None)
    chosen = metric or (baseline.primary if plan is None else plan.metric)
    sides = sides or (DEFAULT_SIDES if plan is None else plan.sides)
    alpha = alpha or (ALPHA if plan is None else plan.alpha)
    if sesoi is not None:
        return Terms(chosen, sesoi, alpha, sides, ASKED)
    own = baseline.by(chosen).measure.worth
    if plan is not None and plan.metric == chosen:
        return Terms(chosen, plan.sesoi, alpha, sides, source_of(plan, own))
    return Terms(chosen, own, alpha, sides, SIGMA if own is None else OWN)


def source_of(plan: Registration, own: float | None) -> str:
    """Who says what gain counts for the arms of `plan`; own: what their measure names."""
    if plan.sesoi is None:
        return SIGMA
    return OWN if plan.sesoi == own else PLANNED


@dataclass(frozen=True)
class Match:
    """An arm and its baseline, with the runs that count."""

    arm: ArmRuns
    baseline: ArmRuns
    planned: bool  # whether its first plan names all that counts
    fresh: tuple[int, ...]  # the only seeds it is judged on, as a race announced
    left_out: tuple[str, ...]
    terms: Terms
    free: tuple[str, ...] = ()  # facts in which the two may differ, as the plan has them

    @cached_property
    def noise_group(self) -> tuple[Terms, bool, tuple[int, ...], tuple[int, ...], str]:
        """The key of the arms whose noise is estimated together.

        So runs that were added later, or made singly, do not change a planned verdict. Arms that are
        made of the baseline's own trained weights stand alone: what differs between them is what was
        done to the weights, by .00001 for one and .1 for another, and no noise that they share.
        """
        seeds = tuple(record.seed for record in self.baseline.records)
        alone = self.arm.config_hash if self.arm.same_training(self.baseline) else ""
        return self.terms, self.planned, self.fresh, seeds, alone


def matched(arm: ArmRuns, baseline: ArmRuns, plans: Sequence[Registration], terms: Terms) -> Match:
    """The runs of both that count by `plans`, with `terms.metric` as what they are judged by."""
    arm, baseline = arm.by(terms.metric), baseline.by(terms.metric)
    own = (plan for plan in plans if plan.baseline_hash == baseline.config_hash)
    free = ("budget",) if any(plan.frees_budget(arm.config_hash) for plan in own) else ()
    count = counted(arm.config_hash, baseline.config_hash, plans, list(arm.seeds))
    if count is None or not count.baseline & set(baseline.seeds):
        return Match(arm, baseline, False, (), (), terms, free)
    out = {
        "": [seed for seed in arm.seeds if seed not in count.arm],
        " of the baseline": [seed for seed in baseline.seeds if seed not in count.baseline],
    }
    arm, baseline = arm.only(count.arm), baseline.only(count.baseline)
    left_out = tuple(f"{seeds_text(seeds)}{whose}" for whose, seeds in out.items() if seeds)
    fresh = _fresh(arm, baseline.config_hash, plans)
    return Match(arm, baseline, count.first, fresh, left_out, terms, free)


def _fresh(arm: ArmRuns, baseline_hash: str, plans: Sequence[Registration]) -> tuple[int, ...]:
    """The seeds that a race announced to judge the arm on, once it has run them all."""
    for plan in plans:
        if plan.baseline_hash == baseline_hash and plan.arm(arm.config_hash):
            return plan.judged_on if set(plan.judged_on) <= set(arm.losses) else ()
    return ()

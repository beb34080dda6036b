"""Which runs a verdict counts, and whether it is the one that was planned."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from audition.config.card import is_draft
from audition.records.record import Record
from audition.records.registration import ALPHA, PlannedArm, Registration
from audition.stats.comparison import Expectation

LOST = "the plan that its runs were begun for is not in this ledger, or was edited"
UNPLANNED = "no plan named this arm before it was run"
UNREGISTERED = "not registered as a test of this report"
Part = Literal["confirmatory", "exploratory"]
"""The two parts of a registered report."""
ELSEWHERE = "its runs were made elsewhere, and no plan of them is known here"


@dataclass(frozen=True)
class Standing:
    """Whether a verdict is the one that was planned; if not, what departs from the plan."""

    departures: tuple[str, ...]
    added_seeds: tuple[int, ...] = ()  # run after a first look at the others
    joined: int = 0  # arms compared with the baseline after the plan was written
    terms: str = ""  # as the plan has them; empty for default settings
    left_out: tuple[str, ...] = ()  # runs that no plan names; they are not counted
    report: Registration | None = None  # the first plan of its baseline that registers a report
    is_primary: bool = False  # whether its own first plan registers a report about it
    drafts: tuple[str, ...] = ()  # ideas whose cards were drafts when they were run; a departure

    @property
    def elsewhere(self) -> bool:
        """Whether the runs were made elsewhere."""
        return self.departures == (ELSEWHERE,)

    @property
    def part(self) -> Part | None:
        """The part of the registered report that it belongs to; None where there is no report.

        Confirmatory is only what its first plan registered, and that happened as planned.
        """
        if self.report is None:
            return None
        return "confirmatory" if self.is_primary and not self.departures else "exploratory"

    @property
    def expects(self) -> Expectation | None:
        """What the report expects of the arm, had it happened as planned; None of other arms."""
        return self.report.expects if self.report and self.is_primary else None

    @property
    def why_exploratory(self) -> tuple[str, ...]:
        """Why it is in the exploratory part of a registered report; empty where it is not."""
        if self.part != "exploratory":
            return ()
        return self.departures if self.is_primary else (UNREGISTERED, *self.departures)

    @property
    def word(self) -> str:
        """`as planned`, `exploratory`, `draft`, `exploratory draft` or `not planned here`."""
        if self.elsewhere:
            return "not planned here"
        if self.drafts:
            return "exploratory draft" if len(self.departures) > 1 else "draft"
        return "exploratory" if self.departures else "as planned"


@dataclass(frozen=True)
class Counted:
    """The seeds that a comparison counts: those that some plan of it names."""

    arm: frozenset[int]
    baseline: frozenset[int]
    first: bool  # whether the first of the plans names them all


def counted(
    config_hash: str, baseline_hash: str, plans: Iterable[Registration], ran: Collection[int]
) -> Counted | None:
    """The seeds that count of an arm with outcomes on the seeds `ran`; None where all of them do.

    Runs that were made by hand, or for the plan of another arm, would otherwise change a verdict
    that was fixed beforehand. Everything counts of an arm that no plan names, or of which no planned
    run has an outcome: such a verdict is exploratory.
    """
    own = [p for p in _rivals(plans, baseline_hash) if p.arm(config_hash)]
    arm = {seed for plan in own for seed in _arm(plan, config_hash).seeds}
    if not arm & set(ran):
        return None
    baseline = {seed for plan in own for seed in plan.baseline_seeds}
    first = arm <= set(_arm(own[0], config_hash).seeds) and baseline <= set(own[0].baseline_seeds)
    return Counted(frozenset(arm), frozenset(baseline), first)


def standing(
    config_hash: str,
    baseline_hash: str,
    runs: Sequence[Record],
    plans: Iterable[Registration],
    *,
    baseline_seeds: Sequence[int] | None = None,
    left_out: Sequence[str] = (),
    family: Collection[str] = (),
    metric: str,
    alpha: float = ALPHA,
    sesoi: float | None = None,
    sides: str | None = None,
    asked: Registration | None = None,
) -> Standing:
    """How the judged runs of an arm compare with the first plan that names the arm.

    Runs of the baseline may be older than the plan, as a baseline is shared; runs of the idea may
    not, since the plan's author could have seen them.

    Args:
        runs: those of the arm that count.
        plans: oldest first.
        baseline_seeds: of the baseline's runs that count and have an outcome; None asks for none.
        left_out: what does not, in words.
        family: config hashes of all arms that are compared with the baseline.
        asked: the plan that is judged; where it has none of the first plan's seeds of the arm, its
            own runs are held to it, and that the first came before is what departs.
    """
    rivals = _rivals(plans, baseline_hash)
    own = [plan for plan in rivals if plan.arm(config_hash)]
    reports = [plan for plan in (*own[:1], *rivals) if plan.primary]
    report = reports[0] if reports else None
    drafts = _drafts(run.cards for run in runs)
    if not own:
        lost = sorted({run.plan for run in runs if run.plan})
        said = f"{LOST} ({', '.join(lost)})" if lost else UNPLANNED
        return Standing((said, *_lacking(drafts)), report=report, drafts=drafts)
    plan, arm = own[0], _arm(own[0], config_hash)
    if asked is not None and not set(arm.seeds) & set(_arm(asked, config_hash).seeds):
        alone = standing(
            config_hash,
            baseline_hash,
            runs,
            [asked],
            baseline_seeds=baseline_seeds,
            left_out=left_out,
            family=family,
            metric=metric,
            alpha=alpha,
            sesoi=sesoi,
            sides=sides,
        )
        before = f"an earlier plan, {plan.digest()[:8]}, judged it on {seeds_text(arm.seeds)}"
        return replace(alone, departures=(before, *alone.departures), report=report)
    drafts = _drafts([arm.cards, *(run.cards for run in runs)])
    settled = [run for run in runs if run.settled]
    if plan.judged_on and set(plan.judged_on) <= {run.seed for run in settled}:
        # The verdict uses the fresh seeds alone, not those that chose the arm.
        settled = [run for run in settled if run.seed in plan.judged_on]
    digests = {each.digest() for each in own}
    early = [run.seed for run in settled if _early(run, plan, digests)]
    named, of_plan = set(arm.seeds), set(plan.baseline_seeds)
    added = tuple(run.seed for run in settled if run.seed not in named)
    outcomes = {run.seed for run in settled}
    # A race leaves out the fresh seeds of an idea it drops, by the rule it announced.
    due = plan.judged_on if outcomes & set(plan.judged_on) else () if plan.judged_on else arm.seeds
    absent = [seed for seed in due if seed not in outcomes]
    beside, short = [], []
    if baseline_seeds is not None:
        ran, late = set(baseline_seeds), set(added)
        beside = [s for s in baseline_seeds if s not in of_plan and s not in late]
        of_baseline = set(due) if plan.judged_on else of_plan
        short = [s for s in plan.baseline_seeds if s in of_baseline and s not in ran]
    cards = {name: digest for run in settled for name, digest in run.cards.items()}
    changed = [name for name, digest in arm.cards.items() if cards.get(name, digest) != digest]
    departures = (
        (bool(early), f"{seeds_text(early)} run before the plan was written"),
        (bool(added), f"{seeds_text(added)} added to the plan"),
        (bool(beside), f"{seeds_text(beside)} of the baseline added to the plan"),
        (bool(absent), f"{seeds_text(absent)} of the plan without an outcome"),
        (bool(short), f"{seeds_text(short)} of the plan's baseline without an outcome"),
        (bool(changed), f"the card of {', '.join(changed)} changed since the plan"),
        (metric != plan.metric, f"the metric is {metric}, and the plan's {plan.metric}"),
        (alpha != plan.alpha, f"α is {alpha:g}, and the plan's {plan.alpha:g}"),
        (sides not in (None, plan.sides), f"α is {sides}-sided, and the plan's {plan.sides}-sided"),
        # Another metric has another unit, so δ* in it is not a second departure.
        (
            metric == plan.metric and sesoi != plan.sesoi,
            f"δ* is {_gain(sesoi)}, and the plan's {_gain(plan.sesoi)}",
        ),
    )
    earlier = {a.config_hash for p in rivals[: rivals.index(plan) + 1] for a in p.arms}
    joined = {a.config_hash for p in rivals for a in p.arms} | set(family)
    return Standing(
        (*(text for departs, text in departures if departs), *_lacking(drafts)),
        added,
        len(joined - earlier),
        plan.terms,
        tuple(left_out),
        report,
        config_hash in plan.primary,
        drafts,
    )


def seeds_text(seeds: Sequence[int]) -> str:
    """`seed 42`, `seeds 42, 137`."""
    return ("seed " if len(seeds) == 1 else "seeds ") + ", ".join(map(str, seeds))


def _drafts(cards: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The ideas that some of `cards`, idea -> digest, have as a draft."""
    every = ((idea, digest) for each in cards for idea, digest in each.items())
    return tuple(dict.fromkeys(idea for idea, digest in every if is_draft(digest)))


def _lacking(drafts: Sequence[str]) -> list[str]:
    return [f"the card of {idea} is a draft, and a claim needs all of it" for idea in drafts]


def _early(run: Record, plan: Registration, digests: Collection[str]) -> bool:
    """Whether a run of the arm was begun before `plan`, the first of those that name it, was there.

    A record names the plan that its run was begun for, so clocks do not matter; records written
    before 0.3 do not, and for them the times decide.
    """
    if run.plan is None:
        return run.started < plan.written
    return run.plan not in digests


def _rivals(plans: Iterable[Registration], baseline_hash: str) -> list[Registration]:
    return [p for p in plans if p.baseline_hash == baseline_hash and not p.screening]


def _arm(plan: Registration, config_hash: str) -> PlannedArm:
    arm = plan.arm(config_hash)
    assert arm is not None
    return arm


def _gain(sesoi: float | None) -> str:
    return "one pooled σ" if sesoi is None else f"{sesoi:g}"

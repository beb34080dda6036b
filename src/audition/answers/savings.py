"""What runs say of the claims of their plan, "the same loss for at most 1/k of a cost"."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from audition.amount import COSTS, beside_baseline
from audition.answers.arms import ArmRuns
from audition.answers.judgement import Judgement
from audition.records.record import Record
from audition.records.registration import PlannedClaim, Registration
from audition.stats.arms import Seed
from audition.stats.claim import LACKING, Claimed
from audition.stats.claim_family import as_family
from audition.stats.distributions import side_of
from audition.stats.moments import pooled_sd
from audition.stats.saving import LOST, UNKNOWN, Estimate, planned_delta, saving

Source = tuple[str, str]
"""The method of a cost, and what took it; two of them are never compared."""
EXACT: Source = ("exact", "")
MEASURED: Source = ("measured", "")
LONGER = 1.05
"""Most operations of a control's training, of the baseline's."""


def claims_on(config_hash: str, plans: Sequence[Registration]) -> set[str]:
    """Config hashes of the arms whose results decide with those of an arm what becomes of a claim."""
    return {
        each
        for plan in plans
        for claim in plan.claims
        if config_hash in (*claim.arms, *claim.controls)
        for other in plan.claims
        for each in (*other.arms, *other.controls)
    }


def with_claims(judgements: Sequence[Judgement], plans: Sequence[Registration]) -> list[Judgement]:
    """The same judgements, of one baseline, with what their runs say of what `plans` claim of them.

    Of one arm and cost, the first plan counts. A family is all arms and costs of a plan, those
    without a result included.
    """
    known = {each.arm.config_hash: each for each in judgements}
    found: dict[str, list[Claimed]] = {config_hash: [] for config_hash in known}
    taken: set[tuple[str, str]] = set()
    for plan in plans:
        own = {
            config_hash: each
            for config_hash, each in known.items()
            if each.baseline.config_hash == plan.baseline_hash and each.arm.metric == plan.metric
        }
        if not own or plan.screening:
            continue
        asked = [(claim, arm) for claim in plan.claims for arm in claim.arms]
        tested = [_tested(plan, claim, arm, own.get(arm)) for claim, arm in asked]
        words = {claim: _control(plan, claim, own, found) for claim in plan.claims}
        for (claim, arm), each in zip(asked, as_family(tested), strict=True):
            if arm in own and (arm, claim.cost) not in taken:
                found[arm].append(replace(each, control="" if each.same else words[claim]))
                taken.add((arm, claim.cost))
    claiming = [plan for plan in plans if plan.claims and not plan.screening]
    return [
        replace(
            each,
            claims=tuple(found[each.arm.config_hash]),
            beside_claims=any(plan.arm(each.arm.config_hash) for plan in claiming),
        )
        for each in judgements
    ]


def _control(
    plan: Registration,
    claim: PlannedClaim,
    own: Mapping[str, Judgement],
    found: Mapping[str, list[Claimed]],
) -> str:
    """The word of the best of a claim's controls, each of which is put under `found`, or LACKING."""
    tested = []
    for arm in claim.controls:
        each = replace(_tested(plan, claim, arm, own.get(arm)), is_control=True)
        if arm in own and (why := _no_control(own[arm])):
            each = replace(each, fault=why)
        tested.append(each)
        if arm in found and claim.cost not in {c.cost for c in found[arm]}:
            found[arm].append(each)
    words = {each.word for each in tested} - {"invalid"}
    return next((word for word in ("supported", *sorted(words)) if word in words), LACKING)


def _no_control(judgement: Judgement) -> str:
    """Why an arm is no smaller model of as many operations, following its name; empty where it is."""
    arm, baseline = judgement.arm, judgement.baseline
    sizes, works = (
        [_mean(_costs(side, cost)[0]) for side in (arm, baseline)]
        for cost in ("parameters", "train_flops")
    )
    if sizes[0] >= sizes[1]:
        return "it is no smaller than the baseline, and so no control"
    if works[0] > LONGER * works[1]:
        return f"it takes {works[0] / works[1]:.2f} times the baseline's operations to train"
    return ""


def _mean(costs: Mapping[Seed, float]) -> float:
    return math.fsum(costs.values()) / len(costs) if costs else math.nan


def _tested(
    plan: Registration, claim: PlannedClaim, config_hash: str, judgement: Judgement | None
) -> Claimed:
    planned = plan.arm(config_hash)
    name = config_hash if planned is None else planned.name
    ladder = next((rungs[0] for rungs in claim.ladders if config_hash in rungs), "")
    alpha = side_of(plan.alpha, plan.sides)
    blank = Claimed(name, claim.cost, claim.k, math.nan, alpha=alpha, ladder=ladder)
    if judgement is None:
        return replace(blank, fault="no run of it has finished")
    c = judgement.comparison
    delta = claim.delta or planned_delta(_spread(judgement), c.baseline_mean)
    after, ours = _costs(judgement.arm, claim.cost)
    if COSTS[claim.cost].beside:
        before, theirs = _costs(judgement.arm, beside_baseline(claim.cost))
    else:
        before, theirs = _costs(judgement.baseline, claim.cost)
    less, fault = UNKNOWN, ""
    if not before or not after:
        whose = "the baseline" if not before else "the arm"
        fault = f"no run of {whose} has {COSTS[claim.cost].says} on record"
    elif len({*theirs, *ours}) > 1:
        named = " and ".join(sorted({" by ".join(filter(None, s)) for s in (*theirs, *ours)}))
        fault = f"the costs are {named}, and one is no measure of the other"
    else:
        less = saving(before, after, counted=COSTS[claim.cost].counted)
    gain = _gain(judgement)
    if c.verdict == "invalid" and gain.error != 0.0:
        fault = c.reason.removesuffix(".")
    method = next(iter(ours or theirs), ("", ""))[0]
    return replace(blank, delta=delta, gain=gain, less=less, method=method, fault=fault)


def _gain(judgement: Judgement) -> Estimate:
    """What the comparison found of the loss; exactly nothing where the weights are the same."""
    c = judgement.comparison
    if c.kind == "unstable":
        return LOST
    ours, theirs = ({r.seed: r.weights for r in side.records if r.status == "finished"} for side in
                    (judgement.arm, judgement.baseline))  # fmt: skip
    shared = ours.keys() & theirs.keys()
    if shared and all(ours[seed] and ours[seed] == theirs[seed] for seed in shared):
        return Estimate(0.0, 0.0, math.inf, len(shared))
    return Estimate(c.improvement, c.standard_error, c.df, c.n)


def _spread(judgement: Judgement) -> float:
    """The sd of a seed, in loss units: of the trainings alone, where both arms are made of the same."""
    c = judgement.comparison
    if judgement.arm.same_training(judgement.baseline):
        return c.sd_baseline
    if c.noise is not None:
        return c.noise.sd
    return float(pooled_sd(judgement.arm.sample.moments, judgement.baseline.sample.moments))


def _costs(arm: ArmRuns, cost: str) -> tuple[dict[Seed, float], set[Source]]:
    """Seed -> what the finished runs of an arm took of a cost, and how that was come by."""
    found: dict[Seed, float] = {}
    sources: set[Source] = set()
    for record in arm.records:
        told = READ[cost](record) if cost in READ else _filed(record, cost)
        if record.status == "finished" and told is not None and told[0] > 0:
            found[record.seed] = told[0]
            sources.add(told[1])
    return found, sources


Told = tuple[float, Source]


def _filed(record: Record, cost: str) -> Told | None:
    amount = record.costs.get(cost)
    return None if amount is None else (amount.value, (amount.method, ""))


def _units(unit: str) -> Callable[[Record], Told | None]:
    return lambda record: (float(record.units), EXACT) if record.unit == unit else None


READ: Mapping[str, Callable[[Record], Told | None]] = {
    **{unit: _units(unit) for unit in ("tokens", "examples", "episodes")},
    "updates": lambda r: (float(r.steps if r.updates is None else r.updates), EXACT),
    "parameters": lambda r: (float(r.parameters), EXACT),
    "wall_seconds": lambda r: (r.train_seconds, MEASURED),
    "joules": lambda r: (r.joules, (r.energy_method, r.energy_meter)),
    "peak_memory": lambda r: None if r.peak_mb is None else (r.peak_mb, MEASURED),
}
"""Cost -> where a record has it, if not under `costs`."""

"""What a ledger says of a claim: the registered tests in it, judged, as evidence to be kept."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from audition.answers.arms import ArmRuns, arms_of
from audition.answers.claims import Claim, Evidence, Test, Tested
from audition.answers.judgement import Judgement
from audition.answers.judging import judge_baseline
from audition.answers.provenance import mapping_in, origins
from audition.errors import AuditionError
from audition.records.registration import Registration, registrations
from audition.records.store import Ledger


@dataclass(frozen=True)
class Found:
    """A test that a ledger has made: its evidence, and the judgements that it rests on."""

    test: Test
    evidence: Evidence
    judgements: tuple[Judgement, ...]


def found_in(ledger: Ledger, claim: Claim) -> tuple[Found, ...]:
    """The tests of a claim that were registered in `ledger`, the newest plan of each.

    Raises AuditionError where there is none.
    """
    by_test = {}
    for plan in registrations(ledger.root):
        if plan.primary and (test := _test_of(plan, claim)) is not None:
            by_test[test.command] = (test, plan)
    if not by_test:
        named = " or ".join(test.command for test in claim.tests)
        raise AuditionError(
            f"{ledger.root} has no registered test of '{claim.name}'"
            + (f": it is made by {named}" if named else ", and its file names none")
        )
    return tuple(each for pair in by_test.values() for each in _found(ledger, *pair))


def _test_of(plan: Registration, claim: Claim) -> Test | None:
    """The test with the most words in the command of `plan`, of those that have all of theirs there."""
    typed = set(shlex.split(plan.command))
    fitting = [test for test in claim.tests if test.words and set(test.words) <= typed]
    return max(fitting, key=lambda test: len(test.words), default=None)


def _found(ledger: Ledger, test: Test, plan: Registration) -> Iterator[Found]:
    records = ledger.read().records
    if plan.judged_on:  # by those seeds alone: others tuned the arms
        records = tuple(r for r in records if r.seed in plan.judged_on)
    arms = arms_of(records, plan.metric)
    if plan.judged_on:
        arms = {key: arm for key, arm in arms.items() if key == plan.baseline_hash or plan.arm(key)}
    if plan.baseline_hash not in arms or not arms[plan.baseline_hash].seeds:
        return
    judged = judge_baseline(arms, plan.baseline_hash, plans=registrations(ledger.root))
    judgements = tuple(j for j in judged if plan.arm(j.arm.config_hash))
    if not judgements:
        return
    baseline = judgements[0].baseline
    first = next((j for j in judgements if j.arm.config_hash in plan.primary), judgements[0])
    sides = [baseline, *(j.arm for j in judgements)]
    states = [tuple(f for f in o.facts if f[0] != "typed") for o in origins(ledger, sides)]
    yield Found(
        test,
        Evidence(
            command=test.command,
            plan=plan.digest(),
            written=plan.written,
            expects=plan.expects,
            metric=plan.metric,
            measure=baseline.measure,
            margin=first.comparison.sesoi,
            seeds=tuple(sorted(r.seed for r in baseline.records if r.settled)),
            arms=tuple(map(_tested, (j for j in judgements if j.arm.config_hash in plan.primary))),
            others=tuple(
                map(_tested, (j for j in judgements if j.arm.config_hash not in plan.primary))
            ),
            terms=plan.terms,
            precision=_precision(ledger, baseline),
            origins=tuple(dict.fromkeys(states)),
        ),
        judgements,
    )


def _tested(judgement: Judgement) -> Tested:
    c = judgement.comparison
    before, after = judgement.levels
    return Tested(
        arm=c.idea,
        seeds=c.n,
        of_baseline=c.n_baseline,
        baseline=before,
        mean=after,
        gain=c.improvement,
        low=c.ci[0],
        high=c.ci[1],
        level=c.level,
        verdict=c.verdict,
        kind=c.kind,
        weight=judgement.weight,
        why_exploratory=judgement.standing.why_exploratory,
    )


def _precision(ledger: Ledger, arm: ArmRuns) -> str:
    """`fp32`, `bf16`, or the class of another precision; empty where the folder has no config."""
    settings = mapping_in(ledger.folder_of(arm.records[0]) / "config.yaml")
    node = settings.get("precision")
    target = str(node.get("_target_", "")) if isinstance(node, Mapping) else ""
    name = target.rpartition(".")[2]
    return {"Float32": "fp32", "Bfloat16": "bf16"}.get(name, name)

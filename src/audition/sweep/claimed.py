"""The claims of a sweep as its plan has them: of which arms, against which controls."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audition.amount import COSTS
from audition.config.chains import opened
from audition.config.claim import claim_of
from audition.console import say
from audition.errors import AuditionError, choices
from audition.records.registration import PlannedClaim, Registration
from audition.sweep.arms import Arm, arm_name

OF_FILES = ("model_bytes", "model_bytes_deflated")
"""Costs that only a deployed run has on record."""


def hashes_of(
    names: Sequence[str], key: str, arms: Mapping[str, str], asked: Mapping[str, str]
) -> tuple[str, ...]:
    """Config hashes of the arms that `key` names, as typed (`+idea=placebo norm=rmsnorm`) or called.

    arms: name -> config hash, of the plan. asked: the names before they were tuned -> those now.

    Raises AuditionError for a name that no arm has.
    """
    found = []
    for name in names:
        typed = arm_name(opened(shlex.split(name)))
        called = next((each for each in (name, typed) if asked.get(each, each) in arms), None)
        if called is None:
            known = tuple(asked) or tuple(arms)
            raise AuditionError(f"{key}: the sweep has no arm '{name}'{choices(typed, known)}")
        found.append(arms[asked.get(called, called)])
    return tuple(dict.fromkeys(found))


def planned_claims(
    settings: Mapping[str, Any], arms: Mapping[str, str], asked: Mapping[str, str]
) -> tuple[PlannedClaim, ...]:
    """What the settings of a sweep claim of its arms, a claim for each cost; arguments as above.

    Raises AuditionError where an arm is not there, or is claimed of and a control.
    """
    claim = claim_of(settings)
    if not claim.parts:
        return ()
    controls = hashes_of(claim.controls, "claim.control", arms, asked)
    named = None if claim.arms is None else hashes_of(claim.claimed, "claim.arms", arms, asked)
    about = tuple(arms.values()) if named is None else named
    if named is not None and (both := set(named) & set(controls)):
        name = next(each for each, config_hash in arms.items() if config_hash in both)
        raise AuditionError(f"claim.control: '{name}' is one of claim.arms, and cannot be both")
    about = tuple(each for each in about if each not in controls)
    if not about:
        raise AuditionError("claim.cost claims something of arms, and the sweep has none")
    return tuple(
        PlannedClaim(
            cost=cost,
            k=k,
            delta=claim.delta,
            arms=about,
            controls=controls,
            ladders=_ladders(about, arms, asked) if COSTS[cost].length else (),
        )
        for cost, k in claim.parts
    )


def check_on_record(claims: Sequence[PlannedClaim], *, deployed: bool) -> None:
    """Raise AuditionError for a claim about files where no run of a sweep is deployed."""
    for cost in (claim.cost for claim in claims if claim.cost in OF_FILES and not deployed):
        raise AuditionError(
            f"claim.cost={cost} is of deployed runs, and the sweep has none: add deploy=int8, or claim "
            "parameters"
        )


def _ladders(
    about: Sequence[str], arms: Mapping[str, str], asked: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """The arms that are one and the same but for their budgets, where there are several."""
    before = {now: name for name, now in asked.items()}
    rungs: dict[str, list[str]] = {}
    for name, config_hash in arms.items():
        if config_hash in about:
            words = before.get(name, name).split(",")
            rest = ",".join(word for word in words if not word.startswith("budget."))
            rungs.setdefault(rest, []).append(config_hash)
    return tuple(tuple(each) for each in rungs.values() if len(each) > 1)


def measure_claimed(plan: Registration, root: Path, allowed: Sequence[str]) -> None:
    """Have what `plan` claims and no record has be measured, in a process that has torch."""
    if any(COSTS[claim.cost].beside for claim in plan.claims):
        words = (str(root), plan.digest(), *allowed)
        ended = subprocess.run(
            [sys.executable, "-m", "audition.costs.claimed", *words], check=False
        )
        if ended.returncode:
            say("not all claimed costs were measured, and nothing is said of them; see above.")


def freed(settings: Mapping[str, Any]) -> Callable[[Arm], bool]:
    """Says of an arm whether it may train for another length than the baseline: that is what is
    claimed of it, or it is a control."""
    claim = claim_of(settings)
    of_length = any(COSTS[cost].length for cost, _ in claim.parts)
    named = (*claim.controls, *(claim.claimed if of_length else ()))
    if of_length and claim.arms is None:
        return lambda arm: True
    words = [set(opened(shlex.split(name))) for name in named]
    return lambda arm: arm.name in named or any(each <= set(arm.overrides) for each in words)

"""Runs of `deploy=`: which trained runs they are made of, and when those have an outcome.

A deployed run is made of a trained one, its parent: the same settings without `deploy`, whose weights
are kept. Parents are trained first; a deployed run's key has the digest of its parent's weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from audition.config.groups import root_of
from audition.config.identity import identify
from audition.records.record import BASELINE, Record
from audition.records.store import Contents
from audition.sweep.arms import Arm, arm_name
from audition.sweep.plan import Plan, PlannedRun


def trained_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the run that one with `deploy` is made of."""
    arm = {**settings["arm"], "parent": None, "weights": None}
    return {**settings, "deploy": {}, "keep": {"weights": True}, "arm": arm}


def parents(plan: Plan, common: Sequence[str]) -> tuple[PlannedRun, ...]:
    """The trained runs that the deployed ones of `plan` are made of, each once.

    common: the overrides that all arms share; what an arm has beside them names its parent.
    """
    trained = {run.identity.key: run for run in plan.runs if not run.deployed}
    baseline = next(run for run in plan.runs if run.identity.config_hash == plan.baseline_hash)
    of_baseline = identify(trained_settings(baseline.settings)).config_hash
    found: dict[str, PlannedRun] = {}
    hashes: dict[str, Any] = {}
    for run in (run for run in plan.runs if run.deployed):
        own = trained_settings(run.settings)
        arm_hash = run.identity.config_hash
        if arm_hash not in hashes:
            hashes[arm_hash] = identify(own)
        identity = hashes[arm_hash].of_seed(run.seed, own["loss"].get("weights", ""))
        words = tuple(word for word in run.arm.overrides if root_of(word) != "deploy")
        choice = [word for word in words if word not in common]
        name = arm_name(choice) if choice else BASELINE
        if identity.config_hash == of_baseline:
            name = BASELINE
        parent = trained.get(identity.key) or PlannedRun(
            Arm(name, words), run.seed, own, identity, of_baseline, run.plan
        )
        found.setdefault(identity.key, parent)
    return tuple(found.values())


def prepared(plan: Plan, common: Sequence[str]) -> Plan:
    """`plan` with the parents of its deployed runs; those that are runs of it keep their weights."""
    found = parents(plan, common)
    kept = {run.identity.key for run in found}
    runs = (
        replace(run, settings={**run.settings, "keep": {"weights": True}})
        if run.identity.key in kept
        else run
        for run in plan.runs
    )
    return replace(plan, runs=tuple(runs), parents=found)


def with_parents(plan: Plan, contents: Contents) -> Plan:
    """`plan` whose deployed runs are keyed by their parents' weights, where those have an outcome."""
    if not plan.parents:
        return plan
    settled = contents.settled()
    hashes: dict[str, str] = {}
    of_run = {(run.identity.config_hash, run.seed): run for run in plan.parents}

    def named(run: PlannedRun) -> PlannedRun:
        if not run.deployed:
            return run
        arm = run.identity.config_hash
        if arm not in hashes:
            hashes[arm] = identify(trained_settings(run.settings)).config_hash
        parent = of_run[hashes[arm], run.seed]
        record = settled.get(parent.identity.key)
        if record is None:
            return run
        return made_of(run, record)

    return replace(plan, runs=tuple(map(named, plan.runs)))


def made_of(run: PlannedRun, parent: Record) -> PlannedRun:
    """A deployed run that is made of the trained one of the record `parent`."""
    place = f"{parent.arm}/{parent.config_hash}/seed_{parent.seed}"
    arm = {**run.settings["arm"], "parent": place, "weights": parent.weights}
    identity = run.identity.of_seed(run.seed, parent.weights)
    return replace(run, settings={**run.settings, "arm": arm}, identity=identity)

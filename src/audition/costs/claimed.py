"""Costs that a plan claims and no record has: measured after the runs, arms in turn, and filed there.

A process of its own, `python -m audition.costs.claimed LEDGER PLAN PREFIX…`: a sweep has no torch.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

from torch import nn

from audition.amount import COSTS, Amount, beside_baseline
from audition.console import say
from audition.costs.inference import answer_seconds, runtime_of
from audition.costs.training import held_for_backward, state_of_optimizer, step_seconds
from audition.errors import AuditionError
from audition.records.contents import contents_of
from audition.records.record import Record
from audition.records.registration import Registration, registered
from audition.records.store import Ledger
from audition.session import begin
from audition.training.build import build
from audition.training.parents import settings_at

Runs = Mapping[str, Record]
"""Config hash -> the run of one seed, the baseline's first."""
Allowed = tuple[str, ...]


def measure(ledger: Ledger, plan: Registration, allowed: Allowed) -> None:
    """Put the costs that the arms of `plan` lack on their records, seed by seed, with the baseline's.

    An arm's record has what the baseline took in the same blocks beside it, so that each ratio is of
    seconds that were measured together.
    """
    wanted = {c.cost: (*c.arms, *c.controls) for c in plan.claims if COSTS[c.cost].beside}
    runs: dict[int, dict[str, Record]] = {}
    for record in sorted(contents_of(ledger).records, key=lambda record: record.started):
        if record.status == "finished":
            runs.setdefault(record.seed, {})[record.config_hash] = record
    for cost, arms in wanted.items():
        for seed in plan.baseline_seeds:
            own = runs.get(seed, {})
            lacking = [arm for arm in arms if arm in own and cost not in own[arm].costs]
            if plan.baseline_hash not in own or not lacking:
                continue
            base, *others = (plan.baseline_hash, *lacking)
            say(f"measuring {COSTS[cost].says} of {len(lacking) + 1} arms in turn, seed {seed}.")
            found = MEASURES[cost](ledger, {arm: own[arm] for arm in (base, *others)}, allowed)
            for arm in others:
                filed = {cost: found[arm], beside_baseline(cost): found[base]}
                own[arm] = replace(own[arm], costs={**own[arm].costs, **filed})
                ledger.write(own[arm])


def _train_seconds(ledger: Ledger, runs: Runs, allowed: Allowed) -> dict[str, Amount]:
    arms = {arm: _settings(ledger, record, allowed) for arm, record in runs.items()}
    # The mean: what an optimizer does every tenth step (SOAP's bases) is in no median of steps.
    return {
        arm: Amount(fmean(timed.seconds) * runs[arm].steps, "s", "measured")
        for arm, timed in step_seconds(arms).items()
    }


def _latency(ledger: Ledger, runs: Runs, allowed: Allowed) -> dict[str, Amount]:
    shapes = [_settings(ledger, record, allowed)["model"] for record in runs.values()]
    if any("context" not in shape for shape in shapes):
        raise AuditionError("claim.cost=latency is of language models, which read token ids")
    places = min(int(shape["context"]) for shape in shapes)
    models: dict[str, nn.Module] = {
        arm: runtime_of(ledger, record, allowed)
        if record.parent
        else _untrained(_settings(ledger, record, allowed))
        for arm, record in runs.items()
    }
    return {
        arm: Amount(median(timed.seconds), "s", "measured")
        for arm, timed in answer_seconds(models, (1, places)).items()
    }


def _held(ledger: Ledger, runs: Runs, allowed: Allowed) -> dict[str, Amount]:
    return {a: held_for_backward(_settings(ledger, r, allowed)) for a, r in runs.items()}


def _state(ledger: Ledger, runs: Runs, allowed: Allowed) -> dict[str, Amount]:
    return {
        arm: state_of_optimizer(_settings(ledger, record, allowed))["optimizer_state"]
        for arm, record in runs.items()
    }


def _untrained(settings: Mapping[str, Any]) -> nn.Module:
    """Its model before training, which answers as fast as after."""
    job = build(settings)
    return begin(job.recipe, job.seed, "cpu").model.eval()


def _settings(ledger: Ledger, record: Record, allowed: Allowed) -> dict[str, Any]:
    """Those of the training: of a deployed run, of the one that it is made of."""
    return {**settings_at(ledger, record, allowed), "deploy": {}}


MEASURES: Mapping[str, Callable[[Ledger, Runs, Allowed], dict[str, Amount]]] = {
    "train_seconds": _train_seconds,
    "latency": _latency,
    "held_for_backward": _held,
    "optimizer_state": _state,
}


def main(root: str, digest: str, *allowed: str) -> None:
    """Measure what the plan of that digest claims in the ledger at `root`; SystemExit(1) and a
    sentence where that cannot be."""
    ledger = Ledger(Path(root))
    plan = registered(ledger.root, digest)
    if plan is None:
        raise SystemExit(f"audition: there is no plan {digest} in {root}")
    try:
        measure(ledger, plan, allowed)
    except AuditionError as error:
        say(f"{error}.")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(*sys.argv[1:])

"""From a planned run to the assignment that a worker carries out."""

from collections.abc import Mapping
from typing import Any

from audition.budget import Budget
from audition.config.card import check_card
from audition.ledger.record import Record
from audition.sweep.plan import PlannedRun


def record_of(run: PlannedRun) -> Record:
    """The record of `run` as it will begin."""
    settings = run.settings
    cards = settings.get("cards") or {}
    return Record(
        key=run.identity.key,
        config_hash=run.identity.config_hash,
        baseline_hash=run.baseline_hash,
        arm=run.arm.name,
        ideas=tuple(settings.get("ideas") or {}),
        seed=run.seed,
        status="running",
        evaluation=run.identity.evaluation,
        budget=Budget(**settings["budget"]).ruling(),
        device=settings["execution"]["device"],
        threads=settings["execution"]["threads"],
        cards={name: check_card(name, card).digest() for name, card in cards.items()},
        overrides=run.overrides,
        code=run.identity.code,
    )


def payload_of(run: PlannedRun, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What a worker process needs to carry out `run`, as plain JSON."""
    return {
        "record": record_of(run).to_json(),
        "settings": dict(run.settings),
        "provenance": dict(provenance),
    }

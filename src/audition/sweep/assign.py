"""From a planned run to the job and the assignment that a worker carries out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audition.budget import Budget
from audition.config.card import check_card
from audition.config.instantiate import construct
from audition.records.record import Record
from audition.records.store import Ledger
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import Job
from audition.tasks.measures import measures_of, task_of


def record_of(run: PlannedRun) -> Record:
    """The record of `run` as it will begin."""
    settings = run.settings
    cards = settings.get("cards") or {}
    task = task_of(settings)
    return Record(
        key=run.identity.key,
        config_hash=run.identity.config_hash,
        baseline_hash=run.baseline_hash,
        arm=run.arm.name,
        ideas=tuple(settings.get("ideas") or {}),
        seed=run.seed,
        status="running",
        measures=measures_of(settings),
        primary=task.primary,
        unit=task.unit,
        evaluation=run.identity.evaluation,
        budget=Budget(**settings["budget"]).ruling(),
        device=settings["execution"]["device"],
        threads=settings["execution"]["threads"],
        cards={name: check_card(name, card).digest() for name, card in cards.items()},
        overrides=run.overrides,
        code=run.identity.code,
        plan=run.plan,
    )


def payload_of(run: PlannedRun, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What a worker process needs to carry out `run`, as plain JSON."""
    return {
        "record": record_of(run).to_json(),
        "settings": dict(run.settings),
        "provenance": dict(provenance),
    }


def job_of(run: PlannedRun, provenance: Mapping[str, Any], seconds: float | None = None) -> Job:
    """The pool's job for `run`, of `seconds` if known; its output goes to `run.log` in its folder."""
    record, settings = record_of(run), run.settings
    folder = Ledger(Path(settings["paths"]["output_dir"])).folder_of(record)
    units_per_step = construct(settings["data"]).units_per_step
    return Job(
        label=run.label,
        group=run.arm.name,
        payload=payload_of(run, provenance),
        expected_steps=Budget(**settings["budget"]).total_steps(units_per_step),
        log=folder / "run.log",
        expected_seconds=seconds,
        unit=record.unit,
    )

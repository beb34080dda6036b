"""One process's share of a run: what it trains, and who watches it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audition.build import build
from audition.config.instantiate import construct
from audition.energy.meter import AtOnce
from audition.energy.off import Off
from audition.facts import facts, measures_of
from audition.observers.checkpoint import Checkpoint
from audition.observers.energy import Energy
from audition.observers.metrics import Metrics
from audition.observers.progress import Progress, Tell
from audition.observers.watching import watching
from audition.parallel.team import Team
from audition.resume import train_on


def share(
    payload: Mapping[str, Any], team: Team, tell: Tell, interrupted: Callable[[int], bool]
) -> dict[str, Any]:
    """Train a run as one of `team`, of whom the first alone watches it and writes of it.

    Returns what the record says of its end; a sentence for the record is told as it falls.
    """
    settings, folder, key = payload["settings"], Path(payload["folder"]), payload["key"]
    job = build(settings, team)

    def say(text: str) -> None:
        tell({"said": text})

    first = team.rank == 0
    meter = construct(settings["energy"]) if first else Off()
    energy = Energy(meter, AtOnce(**payload["at_once"]), cards=team.size, say=say)
    with watching((settings.get("logger") or {}) if first else {}, folder, say) as trackers:
        checkpoint = Checkpoint(folder, key, say, energy.memory, **settings["checkpoint"])
        metrics = Metrics(folder, trackers.copies)
        watchers = [energy, metrics, Progress(tell), checkpoint, *trackers.others]
        outcome = train_on(
            job,
            watchers if first else [],
            folder=folder,
            key=key,
            say=say,
            interrupted=interrupted,
            recall=energy.recall,
        )
    for metric, value in outcome.final.items():
        if outcome.status == "finished" and not math.isfinite(value):
            name, _, which = metric.partition("/")
            say(f"evaluator '{name}' gave {value} for {which} at step {outcome.session.step}")
    measures = measures_of(job)
    return {
        "status": outcome.status,
        "reason": outcome.reason,
        **facts(outcome, measures),
        "measures": {name: asdict(how) for name, how in measures.items()},  # as JSON, for the pipe
        **energy.facts(),
    }

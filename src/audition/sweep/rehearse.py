"""Every configuration put together once, in a process that has torch, before the first run starts."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from audition.errors import AuditionError
from audition.records.record import BASELINE
from audition.sweep.plan import PlannedRun
from audition.sweep.pool import Job, Server, ServerLost

ENTRY = "audition.training.rehearsal:work"


def rehearse(runs: Sequence[PlannedRun], server: Server) -> None:
    """Raise AuditionError for the first configuration of `runs` that could not be put together.

    The server forks one process for all of them; where that dies, the runs will say why.
    """
    distinct = {run.identity.config_hash: run for run in reversed(runs)}
    waiting = [run for run in runs if distinct.get(run.identity.config_hash) is run]
    if not waiting:
        return
    with tempfile.TemporaryDirectory(prefix="audition-") as folder:
        answer = Path(folder, "answer.json")
        payload = {"settings": [dict(run.settings) for run in waiting], "answer": str(answer)}
        job = Job(label="rehearsal", group="rehearsal", payload=payload)
        try:
            server.do(ENTRY, job)
        except ServerLost:
            return server.restart()
        if answer.exists():
            number, why = json.loads(answer.read_text(encoding="utf-8"))
            raise AuditionError(refusal(waiting[number].arm.name, why))
    return None


def refusal(arm: str, why: str) -> str:
    """The sentence for an arm that cannot be put together; the baseline is what was typed."""
    return why if arm == BASELINE else f"arm '{arm}': {why}"

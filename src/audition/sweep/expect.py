"""How long each planned run should take: as long as its arm took before, else by its work."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from audition.budget import Budget
from audition.config.instantiate import construct
from audition.records.store import Ledger
from audition.sweep.plan import PlannedRun

_WORK_PER_S = 1e10
"""Assumed speed of a core, in weights times units a second. Used only to order runs where no arm of
the sweep was run before, so its absolute value does not matter."""


def expected_seconds(runs: Sequence[PlannedRun]) -> list[float | None]:
    """Seconds that each of `runs` should take; None where nothing is known of it.

    The mean of the arm's finished runs in the ledger, whatever their seeds. An arm without any takes
    its work at the speed of those that have some.
    """
    arms = {run.identity.config_hash: run for run in runs}
    works = {name: work(run.settings) for name, run in arms.items()}
    known = {name: mean for name, run in arms.items() if (mean := earlier_seconds(run)) is not None}
    pairs = [(done, seconds) for name, seconds in known.items() if (done := works[name])]
    speed = sum(done for done, _ in pairs) / sum(s for _, s in pairs) if pairs else _WORK_PER_S
    for name, run in arms.items():
        minutes, done = run.settings["budget"]["minutes"], works[name]
        if name not in known and minutes is not None:
            known[name] = 60.0 * minutes
        elif name not in known and done is not None:
            known[name] = done / speed
    return [known.get(run.identity.config_hash) for run in runs]


def work(settings: Mapping[str, Any]) -> float | None:
    """Weights of the blocks times units trained on; None for a model that is not built of blocks.

    What attention, effects and further passes add is left out: it shows once a run has ended.
    """
    layers, width = settings["model"].get("layers"), settings["model"].get("width")
    if not isinstance(layers, int) or not isinstance(width, int):
        return None
    units_per_step = construct(settings["data"]).units_per_step
    steps = Budget(**settings["budget"]).total_steps(units_per_step)
    if steps is None:
        return None
    return float(12 * layers * width**2 * steps * units_per_step)


def earlier_seconds(run: PlannedRun, host: str = "") -> float | None:
    """Mean seconds of the finished runs of that arm; only its own folder is read.

    host: the only machine whose runs count; empty: any.
    """
    ledger = Ledger(Path(run.settings["paths"]["output_dir"]))
    folders = ledger.folder_of(run.record).parent.glob("seed_*")
    records = [record for folder in folders if (record := ledger.get(folder)) is not None]
    records = [r for r in records if r.status == "finished" and host in ("", r.host)]
    seconds = [r.seconds for r in records if r.seconds > 0]
    return fmean(seconds) if seconds else None

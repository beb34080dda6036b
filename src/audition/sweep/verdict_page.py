"""The verdicts of a sweep as a table in W&B, where its runs are."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from audition.answers import Judgement
from audition.records.store import Ledger
from audition.sweep.plan import Plan
from audition.trackers.background import BackgroundTracker
from audition.trackers.wandb_verdicts import Verdicts

WANDB = "audition.trackers.wandb.Wandb"
FACTS = (
    "verdict",
    "kind",
    "metric",
    "improvement",
    "p_adjusted",
    "cohens_d",
    "n",
    "n_baseline",
    "baseline_mean",
    "idea_mean",
    "reason",
)


def show_verdicts(plan: Plan, judgements: Sequence[Judgement], ledger: Ledger) -> None:
    """Put `judgements` where the runs of `plan` are, or say in a sentence why they are not there."""
    loggers = plan.runs[0].settings.get("logger") or {}
    node = next((each for each in loggers.values() if each["_target_"] == WANDB), None)
    if node is None or not judgements:
        return
    digest = plan.runs[0].plan
    settings = {name: value for name, value in node.items() if name != "_target_"}
    page = Verdicts(ledger.root / "verdicts", digest, [row(j) for j in judgements], **settings)
    behind = BackgroundTracker(
        "logger=wandb", page, lambda text: print(f"audition: {text}", file=sys.stderr)
    )
    behind.begin()
    behind.end("finished")


def row(judgement: Judgement) -> Mapping[str, Any]:
    """One arm's verdict, flat."""
    c = judgement.to_dict()
    low, high = c["ci"]
    return {"arm": c["idea"], **{name: c[name] for name in FACTS}, "ci_low": low, "ci_high": high}

"""A mirror of `metrics.jsonl` in Weights & Biases, offline unless a key is set."""

import os
from pathlib import Path
from typing import Literal

from audition.errors import AuditionError
from audition.observers.metrics import scalars
from audition.observers.observer import Observer, StepReport
from audition.session import Session


class Wandb(Observer):
    """One W&B run per run, named by its folder; a failed run never leaks into the next."""

    def __init__(
        self,
        folder: Path,
        *,
        project: str = "audition",
        mode: Literal["auto", "offline", "online"] = "auto",
        every: int = 10,
    ) -> None:
        try:
            import wandb
        except ImportError:
            raise AuditionError(
                "logger=wandb needs the package wandb: pip install 'audition[wandb]'"
            ) from None
        if mode == "auto":
            mode = "online" if os.environ.get("WANDB_API_KEY") else "offline"
        arm, config_hash, seed = folder.parts[-3:]
        self.every = every
        self.run = wandb.init(
            project=project,
            mode=mode,
            dir=folder,
            id=f"{config_hash}-{seed}",
            group=f"{arm}-{config_hash}",
            name=f"{arm} {seed}",
            resume="allow" if mode == "online" else None,
            # A run that raised without finish() would otherwise be handed out again.
            reinit="finish_previous",
            settings=wandb.Settings(silent=True),
        )

    def on_step(self, session: Session, report: StepReport) -> None:
        if session.step % self.every == 0:
            self.run.log({**scalars(session, report), "tokens": session.tokens}, step=session.step)

    def on_evaluation(self, session: Session) -> None:
        metrics = dict(session.evaluations[-1].metrics)
        self.run.log({**metrics, "tokens": session.tokens}, step=session.step)

    def on_end(self, session: Session, status: str) -> None:
        self.run.finish(exit_code=0 if status == "finished" else 1)

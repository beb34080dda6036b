"""Train runs and keep, of each, the loss of every held-out window under several averages of weights.

`python -m scripts.noise.measure --out DIR --plan FILE [--until HH:MM]`, one run's overrides a line of
FILE. An average never touches the weights that are trained, so that one run answers for all of them.
A run whose file is in DIR is not trained again.

Shape suffixes: W held-out windows, N steps.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import initialize_config_dir
from torch import Tensor
from torch.nn import functional as F

from audition.config.root import check, conf_dir
from audition.effects.ema import EMA
from audition.effects.tail_average import TailAverage
from audition.observers.observer import Observer, StepReport
from audition.recipe import tree
from audition.recipe.effect import Effect
from audition.recipe.problem import Predict
from audition.recipe.signals import Controls, View
from audition.session import Session
from audition.sweep.compose import Composer
from audition.training.build import build
from audition.training.job import Job
from audition.training.loop import train

AVERAGES: Mapping[str, Effect] = {
    # From half-way on: an older update would have a share of 4 % at most.
    **{f"ema {decay}": EMA(decay=decay, start=0.5) for decay in (0.97, 0.98, 0.99)},
    **{f"tail {share}": TailAverage(share=share) for share in (0.05, 0.1)},
}
EARLY = (0.5,)
"""Shares of the run after which the live weights are looked at, too."""


class Averages(Observer):
    """Averages of one run's weights, each by the effect that would keep it; and early losses."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.states: dict[str, Any] = {}
        self.windows: dict[str, np.ndarray] = {}
        self.trained: list[Tensor] = []

    def on_start(self, session: Session, steps: int | None) -> None:
        self.states = {n: e.init(session.params, session.streams) for n, e in AVERAGES.items()}
        self.early = {round(share * (steps or 0)): share for share in EARLY}

    def on_step(self, session: Session, report: StepReport) -> None:
        self.trained.append(torch.tensor(report.loss()))
        self.view = View(report.clock, Controls(), session.params, session.streams)
        for name, effect in AVERAGES.items():
            _, self.states[name] = effect.on_weights(session.params, self.states[name], self.view)
        if session.step in self.early:
            share = self.early[session.step]
            self.windows[f"live at {share}"] = losses_of_windows(self.job, session)

    def on_end(self, session: Session, status: str) -> None:
        self.windows["live"] = losses_of_windows(self.job, session)
        live = tree.clone(session.params)
        with torch.no_grad():
            for name, effect in AVERAGES.items():
                seen = effect.on_evaluation(live, self.states[name], self.view)
                tree.write(session.params, seen)
                self.windows[name] = losses_of_windows(self.job, session)
            tree.write(session.params, live)


@torch.no_grad()
def losses_of_windows(job: Job, session: Session) -> np.ndarray:
    """[W] float64 nats per token of every held-out window, at the weights of `session` as they are."""
    predict = Predict(session.model, session.loss)
    session.model.eval()
    found = []
    for batch in session.batches.held_out():
        with job.execution.context():
            logits = predict(batch)
        losses = F.cross_entropy(logits.flatten(0, -2), batch.targets.flatten(), reduction="none")
        found.append(losses.double().view(batch.rows, -1).mean(1))
    session.model.train()
    return torch.cat(found).numpy()


def measure(overrides: Sequence[str]) -> dict[str, Any]:
    """One run: windows by weights, each [W]; the training loss [N]; processor seconds."""
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        job = build(
            check(
                Composer("audition")([*overrides, "execution.device=cpu", "training.evaluations=1"])
            )
        )
    averages, began = Averages(job), time.process_time()
    outcome = train(job, [averages])
    assert outcome.status == "finished", outcome.reason
    return {
        **averages.windows,
        "trained": torch.stack(averages.trained).numpy(),
        "recorded": np.float64(outcome.final["val/loss"]),
        "seconds": np.float64(time.process_time() - began),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plan", type=Path, required=True, help="a line a run: overrides")
    parser.add_argument("--until", default="99:99", help="no run is begun after this time of day")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for line in options.plan.read_text(encoding="utf-8").splitlines():
        path = options.out / f"{line.replace('/', '_')}.npz"
        if not line or path.exists():
            continue
        if time.strftime("%H:%M") >= options.until:
            break
        found = measure([*line.split(), f"paths.output_dir={options.out}"])
        np.savez(path, **found)
        print(f"{line}: {found['live'].mean():.4f}, {found['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()

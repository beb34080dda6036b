"""Records a trace: trains a run again, with an effect in its chain that looks and changes no bit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audition.errors import AuditionError
from audition.observers.observer import Observer, StepReport
from audition.recipe import tree
from audition.recipe.effect import Chain, Effect
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams
from audition.records.record import Record
from audition.session import Session
from audition.traces.trace import Trace, windows_of
from audition.training.build import CURVATURE, build
from audition.training.loop import train

WATCH = "trace"
"""Name of the watching effect in the chain."""
ENTRIES, LEAST = 4096, 32
"""Entries that are kept of all tensors, about; of each tensor at least (or all that it has)."""


class Watch(Effect):
    """Its state holds the norms and the kept entries of the last step; every signal is let through."""

    def init(self, params: Tensors, streams: Streams) -> Any:
        total = sum(p.numel() for p in params.values())
        places = {}
        for name, p in params.items():
            count = min(p.numel(), max(LEAST, round(ENTRIES * p.numel() / total)))
            drawn = torch.randperm(p.numel(), generator=streams.generator(name))
            places[name] = drawn[:count].sort().values.to(p.device)
        return {"places": places}

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        grads = {n: gradient.grads.get(n, torch.zeros_like(p)) for n, p in view.params.items()}
        return gradient, {**state, "gradients": _look(grads, state["places"])}

    def on_updates(self, updates: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        places = state["places"]
        seen = {"updates": _look(updates, places), "weights": tree.norms(view.params)}
        seen["weight_entries"] = _cut(view.params, places)
        return updates, {**state, **seen}


def _look(signal: Tensors, places: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """[K] norms, and [N] entries in units of their tensor's root mean square."""
    norms = tree.norms(signal)
    means = norms / torch.tensor([x.numel() for x in signal.values()]).sqrt().to(norms)
    counts = torch.tensor([len(where) for where in places.values()]).to(norms.device)
    each = means.clamp(min=torch.finfo(means.dtype).tiny).repeat_interleave(counts)
    return norms, _cut(signal, places) / each


def _cut(signal: Tensors, places: Mapping[str, Tensor]) -> Tensor:
    return torch.cat([signal[name].detach().reshape(-1)[where] for name, where in places.items()])


class _Kept(Observer):
    """What the watching effect saw in the windows of `steps` in all, on the processor."""

    def __init__(self, steps: int) -> None:
        self.wanted = steps
        self.windows: list[range] = []
        self.first: list[Any] = []
        self.rows: list[dict[str, Any]] = []
        self.losses: list[float] = []
        self.events = 0

    def on_step(self, session: Session, report: StepReport) -> None:
        seen = session.effects[WATCH]
        self.events += len(report.events)
        self.losses.append(report.loss())
        step = report.clock.step
        if not self.windows:
            self.steps = report.clock.steps or 0
            self.windows = windows_of(self.wanted, report.clock.steps)
            self.terms, self.controls = tuple(report.gradient.terms), tuple(vars(report.controls))
        if not any(step in window for window in self.windows):
            return
        if any(step == window.start for window in self.windows):
            self.first.append(seen["weight_entries"].cpu().numpy())
        self.rows.append(
            {
                "at": step,
                "fractions": report.clock.fraction,
                "gains": [float(gain) for gain in vars(report.controls).values()],
                "losses": [float(term) for term in report.gradient.terms.values()],
                "gradients": seen["gradients"][0].cpu().numpy(),
                "weights": seen["weights"].cpu().numpy(),
                "updates": seen["updates"][0].cpu().numpy(),
                "gradient_entries": seen["gradients"][1].cpu().numpy().astype(np.float16),
                "update_entries": seen["updates"][1].cpu().numpy().astype(np.float16),
            }
        )

    def over(self, step: int) -> bool:
        """Whether nothing that comes is wanted."""
        return bool(self.windows) and step >= self.windows[-1].stop


@dataclass(frozen=True)
class Recording:
    """A trace, and the losses of its steps [S] as a run writes them down."""

    trace: Trace
    losses: tuple[float, ...]


def record(settings: Mapping[str, Any], run: Record, steps: int) -> Recording:
    """`steps` of the run that checked `settings` describe, which is trained again; nothing is written.

    A third of them is at its begin, a third in its middle and a third at its end.

    Raises AuditionError for a run with effects or with apoptosis, and for one that diverges at once.
    """
    job = build(settings)
    own = [name for name in job.recipe.effects.members if name != CURVATURE]
    if own:
        raise AuditionError(
            f"{run.arm} seed {run.seed} has effects ({', '.join(own)}), which already changed its "
            "gradients: trace a run without, such as its baseline"
        )
    watching = Chain({**job.recipe.effects.members, WATCH: Watch()})
    recipe = replace(job.recipe, effects=watching)
    kept = _Kept(steps)
    training = replace(job.training, evaluations=1)
    outcome = train(
        replace(job, recipe=recipe, training=training),
        [kept],
        interrupted=kept.over,
    )
    if kept.events:
        raise AuditionError(
            f"{run.arm} seed {run.seed} replaces units as it trains, which a trace cannot follow: "
            "choose a run with apoptosis=none"
        )
    if not kept.rows or not all(map(math.isfinite, kept.losses)):
        raise AuditionError(f"{run.arm} seed {run.seed} {outcome.reason or 'made no step'}")
    seen, params = outcome.session.effects[WATCH], outcome.session.params
    stacked: dict[str, Any] = {
        name: np.array([row[name] for row in kept.rows]) for name in kept.rows[0]
    }
    trace = Trace(
        key=run.key,
        arm=run.arm,
        seed=run.seed,
        names=tuple(params),
        sizes=np.array([p.numel() for p in params.values()]),
        kept=np.array([len(where) for where in seen["places"].values()]),
        steps=kept.steps,
        controls=kept.controls,
        terms=kept.terms,
        windows=_lengths(kept),
        window_weights=np.array(kept.first),
        **stacked,
    )
    return Recording(trace, tuple(kept.losses))


def _lengths(kept: _Kept) -> NDArray[np.int64]:
    """[W] steps that were made of each window, of those that were reached."""
    made = [sum(row["at"] in window for row in kept.rows) for window in kept.windows]
    return np.array([count for count in made if count])

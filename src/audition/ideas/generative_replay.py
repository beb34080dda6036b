"""Generative replay: what earlier phases looked like is made up anew (Shin et al. 2017).

Shape suffixes: B rows of a batch, P pixels of a row, Z latent numbers.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from audition.data.phases import Phases, together
from audition.errors import AuditionError
from audition.parts.consolidation import before, begins, evaluating, open_phases
from audition.parts.initial import initialise
from audition.recipe.batches import Batch, Clock, Shape
from audition.recipe.effect import Effect
from audition.recipe.problem import Cost, Gradient, GradientRule, Predict, Problem
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams


@dataclass(frozen=True, kw_only=True)
class GenerativeReplay:
    """From the second phase on, `share` of every batch is made up, with the answers of a copy.

    Where a phase ends, a variational autoencoder (Kingma & Welling 2014) is trained anew, on that
    phase and on what the last one makes up; the copy is of the model as it is then.
    """

    share: Annotated[float, Interval(ge=0, lt=1)] = 0.5
    """Share of a batch that is made up; 0 is the exact identity."""
    steps: Annotated[int, Gt(0)] = 500
    """Steps of Adam on the autoencoder where a phase ends."""
    width: Annotated[int, Gt(0)] = 256
    """Channels of its hidden layers."""
    latent: Annotated[int, Gt(0)] = 32
    """Z: numbers that a picture is made of."""
    rate: Annotated[float, Ge(0)] = 1e-3
    """Its learning rate."""

    neutral: ClassVar = {"share": 0.0}
    active: ClassVar = {"steps": 3, "width": 8}

    def __call__(self, recipe: Recipe) -> Recipe:
        if self.share == 0.0:
            return recipe
        return recipe.with_effect("generative_replay", Dreams(self, recipe))


class Dreams(Effect):
    """Puts made-up rows into every batch after the first phase."""

    def __init__(self, settings: GenerativeReplay, recipe: Recipe) -> None:
        self.settings, self.data = settings, recipe.data

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        if len(self._phases(streams.seed).shape.inputs) < 2:
            raise AuditionError(
                "generative_replay makes up pictures, and these rows are text: choose task=stream"
            )
        return {"coder": {}, "copy": {}}

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        phases = self._phases(view.streams.seed)
        if begins(phases, view.clock):
            copy = {name: p.detach().clone() for name, p in view.params.items()}
            state = {"coder": self._trained(phases, state["coder"], view), "copy": copy}
        if not state["copy"]:
            return rule, state
        kept = state

        def dreaming(problem: Problem) -> Gradient:
            batch = problem.batch
            many = round(self.settings.share * batch.rows)
            generator = view.streams.generator("dreams", view.clock.step)
            dreams = self._dreams(phases, kept["coder"], many, view.clock, generator).to(
                batch.inputs.device.type
            )
            with torch.no_grad(), evaluating(problem.model), problem.context():
                answered = Predict(Copy(problem.model, kept["copy"]))(dreams).argmax(-1)
            dreams = replace(dreams, targets=answered)
            order = torch.randperm(batch.rows, generator=generator).to(answered.device)
            mixed = together(batch.cut(slice(batch.rows - many)), dreams, order)
            gradient = rule(problem.on(mixed))
            return replace(gradient, cost=gradient.cost + Cost(forward=many / batch.rows))

        return dreaming, state

    def _dreams(
        self, phases: Phases, coder: Tensors, many: int, clock: Clock, generator: torch.Generator
    ) -> Batch:
        """Rows of phases before the one at `clock`, without their answers."""
        z = torch.randn(many, self.settings.latent, generator=generator)
        made = self._coder(phases.shape)
        with torch.no_grad():
            pixels = functional_call(made, dict(coder), (z,))
        of = torch.randint(phases.phase(clock), (many,), generator=generator)
        nothing = torch.zeros(many, dtype=torch.int64)
        told = phases.of(Batch(pixels, nothing, nothing - 1, nothing), of)
        return replace(told, targets=nothing)

    def _trained(self, phases: Phases, coder: Tensors, view: View) -> dict[str, Tensor]:
        """The coder after the phase that ends at `view`, trained on it and on what `coder` makes."""
        made, last = self._coder(phases.shape), before(view.clock, 1)
        initialise(made, view.streams.child("coder", str(view.clock.step)))
        optimizer = torch.optim.Adam(made.parameters(), lr=self.settings.rate)
        phase = phases.phase(last)
        with torch.enable_grad():
            for step in range(self.settings.steps):
                rows = phases.parts[phase].train(Clock(step)).inputs
                generator = view.streams.generator("coder", view.clock.step, step)
                if coder:  # each phase so far counts the same
                    many = round(len(rows) * phase / (phase + 1))
                    old = self._dreams(phases, coder, many, last, generator).inputs
                    rows = torch.cat([rows[: len(rows) - many], old])
                optimizer.zero_grad()
                made.bound(rows, generator).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        return {name: p.detach().clone() for name, p in made.named_parameters()}

    def _coder(self, shape: Shape) -> "Coder":
        with torch.random.fork_rng(devices=[]):  # torch's own maps draw as they are made
            return Coder(shape, self.settings)

    def _phases(self, seed: int) -> Phases:
        return open_phases(self.data, "generative_replay", seed)


class Copy(nn.Module):
    """A model at other weights."""

    def __init__(self, model: nn.Module, params: Tensors) -> None:
        super().__init__()
        self.routed = getattr(model, "routed", False)
        self._at = (model, dict(params))  # in a tuple: its parameters are not this module's

    def forward(self, *given: Tensor) -> Tensor:
        model, params = self._at
        found: Tensor = functional_call(model, params, given)
        return found


class Coder(nn.Module):
    """A variational autoencoder of rows [B, ...] with Gaussian pixels of variance 1."""

    def __init__(self, shape: Shape, settings: GenerativeReplay) -> None:
        super().__init__()
        self.shape, size, width = shape.inputs, prod(shape.inputs), settings.width
        self.read = nn.Linear(size, width)
        self.code = nn.Linear(width, 2 * settings.latent)
        self.hidden = nn.Linear(settings.latent, width)
        self.write = nn.Linear(width, size)

    def forward(self, z: Tensor) -> Tensor:
        """Rows [B, ...] of latent numbers [B, Z]."""
        rows: Tensor = self.write(F.relu(self.hidden(z)))
        return rows.reshape(-1, *self.shape)

    def bound(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """The negative evidence lower bound, nats a row, less a constant."""
        mean, spread = self.code(F.relu(self.read(rows.flatten(1)))).chunk(2, dim=-1)
        z = mean + spread.mul(0.5).exp() * torch.randn(mean.shape, generator=generator)
        wrong = 0.5 * (self(z) - rows).square().flatten(1).sum(1)
        told = 0.5 * (mean.square() + spread.exp() - spread - 1.0).sum(1)
        bound: Tensor = (wrong + told).mean()
        return bound

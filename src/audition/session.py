"""All that changes while a run trains, in one place, so that it can be saved and resumed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from audition.apoptosis.surgery import Weights, resize
from audition.parts.initial import initialise
from audition.parts.stepping.together import averaging_of
from audition.recipe import tree
from audition.recipe.batches import Batches
from audition.recipe.problem import Cost
from audition.recipe.recipe import Recipe
from audition.recipe.streams import Streams
from audition.recipe.units import sites


class Unfit(ValueError):
    """A snapshot that this session cannot go on from, and why, as the end of a sentence about it."""


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one evaluation, and when it was made."""

    step: int
    units: int
    metrics: Mapping[str, float]


@dataclass
class Session:
    """A run in progress: the machinery built from a recipe, and how far it has come."""

    streams: Streams
    batches: Batches
    model: nn.Module
    loss: nn.Module | None  # the parameters and state of the loss itself, where it has any
    params: dict[str, nn.Parameter]
    optimizer: Optimizer
    effects: Any
    apoptosis: Any
    step: int = 0
    updates: int = 0  # steps that were not closed
    units: int = 0  # tokens or examples trained on
    cost: Cost = field(default_factory=Cost)
    adaptation: Cost = field(default_factory=Cost)  # of what evaluations learn, counted apart
    seconds: float = 0.0  # of training; evaluation is not counted
    widths: dict[str, int] = field(default_factory=dict)  # units of the sites that were resized
    evaluations: list[Evaluation] = field(default_factory=list)

    @property
    def buffers(self) -> dict[str, Tensor]:
        """State that is no parameter and that a checkpoint keeps, such as running statistics."""
        kept = self.model.state_dict().keys()
        found = {name: b for name, b in self.model.named_buffers() if name in kept}
        if self.loss is not None:
            found |= {f"loss.{name}": b for name, b in self.loss.named_buffers()}
        return found

    def clip(self, limit: float) -> Tensor:
        """Shorten the gradients to a global norm of `limit`; returns the norm before, []."""
        return tree.whole(clip_grad_norm_(self.params.values(), limit))

    def refresh(self) -> None:
        """Bring up to date what a pack of runs keeps for this one; before it is read."""

    @property
    def under_way(self) -> bool:
        """Whether the steps of a pack of runs still change it."""
        return True

    def apart(self) -> "Session":
        """This session, up to date, and no longer changed by the steps of a pack of runs."""
        return self

    def snapshot(self) -> dict[str, Any]:
        """Everything that a resumed run needs to go on with the same bits."""
        return {
            "seed": self.streams.seed,
            "model": self.model.state_dict(),
            "loss": None if self.loss is None else self.loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "effects": self.effects,
            "apoptosis": self.apoptosis,
            "step": self.step,
            "updates": self.updates,
            "units": self.units,
            "cost": (self.cost.forward, self.cost.backward),
            "adaptation": (self.adaptation.forward, self.adaptation.backward),
            "seconds": self.seconds,
            "widths": dict(self.widths),
            "evaluations": [(e.step, e.units, dict(e.metrics)) for e in self.evaluations],
            "dropout": torch.get_rng_state(),
            # Of this run's card alone: the next machine may show it more or fewer of them.
            "dropout_cuda": torch.cuda.get_rng_state() if _on_cards() else None,
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from `snapshot`; raises Unfit when it was taken of another seed or another model."""
        if snapshot["seed"] != self.streams.seed:
            raise Unfit(f"is a snapshot of seed {snapshot['seed']}, not of {self.streams.seed}")
        # Of sites that had events alone: a model of another config is still refused.
        for site, count in snapshot["widths"].items():
            resize(Weights(self.model, self.params, self.optimizer), site, count)
        self.widths = dict(snapshot["widths"])
        taken, here = (
            {n: p.shape for n, p in m.items()} for m in (snapshot["model"], self.model.state_dict())
        )
        if taken != here:
            raise Unfit("is of a model with other parameters")
        self.model.load_state_dict(snapshot["model"])
        if self.loss is not None:
            self.loss.load_state_dict(snapshot["loss"])
        self.optimizer.load_state_dict(snapshot["optimizer"])
        self.effects, self.apoptosis = snapshot["effects"], snapshot["apoptosis"]
        self.step, self.units = snapshot["step"], snapshot["units"]
        self.updates = snapshot.get("updates", self.step)  # 0.4 did not count them
        self.cost, self.seconds = Cost(*snapshot["cost"]), snapshot["seconds"]
        self.adaptation = Cost(*snapshot.get("adaptation", (0.0, 0.0)))
        self.evaluations = [Evaluation(*e) for e in snapshot["evaluations"]]
        torch.set_rng_state(snapshot["dropout"])
        if snapshot["dropout_cuda"] is not None:
            torch.cuda.set_rng_state(snapshot["dropout_cuda"])


def _on_cards() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def begin(
    recipe: Recipe,
    seed: int,
    device: str,
    spread: Callable[[nn.Module], None] = lambda model: None,
) -> Session:
    """A session before its first step: weights drawn by name, every stream at its start.

    spread: takes from the model, once it has its weights, what other processes hold of them.
    """
    streams = Streams(seed)
    batches = recipe.data(streams)
    model = recipe.model(batches.shape)
    initialise(model, streams.child("init"))
    spread(model)
    model.to(device)
    params = dict(model.named_parameters())
    loss = recipe.loss.init(batches.shape)
    if loss is not None:
        initialise(loss, streams.child("init", "loss"))
        loss.to(device)
        params |= {f"loss.{name}": p for name, p in loss.named_parameters()}
    # The global generator belongs to dropout alone: every other draw has a stream of its own.
    torch.manual_seed(streams.number("dropout"))
    optimizer = recipe.optimizer(params)
    for averaging in averaging_of(optimizer):
        averaging.train()
    return Session(
        streams=streams,
        batches=batches,
        model=model,
        loss=loss,
        params=params,
        optimizer=optimizer,
        effects=recipe.effects.init(params, streams.child("effects")),
        apoptosis=recipe.apoptosis.init(sites(model), params),
    )

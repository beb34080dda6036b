"""The sessions of several runs as one: stacked tensors, of which each run's own are views.

So whatever reads one run (evaluation, checkpoints, observers) reads its session as ever, and a step
changes all of them at once.

Shape suffix: S runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from audition.observers.checkpoint import Say
from audition.observers.observer import StepReport
from audition.parts.initial import role_of
from audition.recipe.batches import Clock
from audition.recipe.effect import Meters
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors
from audition.session import Session
from audition.training.job import Job, Outcome
from audition.training.loop import Run, train_all
from audition.training.packing.batches import PackedBatches
from audition.training.packing.checks import check_packs, check_size
from audition.training.packing.effects import packed_chain
from audition.training.packing.model import PackedLoss, PackedModel
from audition.training.packing.optimizers import hand_out, packed_optimizer
from audition.training.packing.over_runs import of_run, stacked
from audition.training.step import advance


@dataclass
class Member(Session):
    """One run of a pack: its parameters and buffers are views of the pack's."""

    fetch: Callable[["Member"], None] = lambda member: None
    """Brings what is no view up to date: the effects' state, and the optimizer's."""
    left: bool = False  # its run has ended, and the pack goes on without it

    @property
    def under_way(self) -> bool:
        return not self.left

    def refresh(self) -> None:
        self.fetch(self)

    def snapshot(self) -> dict[str, Any]:
        self.refresh()
        # Of its own memory: a saved view would bring the weights of all runs along.
        return tree_map(_cloned, super().snapshot())  # type: ignore[no-any-return]

    def apart(self) -> Session:
        self.refresh()
        for tensor in (*self.params.values(), *self.buffers.values()):
            tensor.data = tensor.data.clone()
        self.fetch, self.left = lambda member: None, True
        return self


@dataclass
class Pack(Session):
    """S runs that take their steps together.

    `clip` and every report are by run; `step`, `updates`, `units` and `cost` are those of each run.
    """

    members: Sequence[Member] = field(default_factory=tuple)

    def clip(self, limit: float) -> Tensor:
        """[S] norms before clipping: torch's `clip_grad_norm_` of every run by itself."""
        grads = [p.grad for p in self.params.values() if p.grad is not None]
        # One row alone would be summed in another order than one of several, so it has company.
        rows = [g.flatten(1) if len(g) > 1 else g.flatten(1).repeat(2, 1) for g in grads]
        norms = torch.stack([torch.linalg.vector_norm(x, dim=1) for x in rows])  # [K, S]
        total: Tensor = torch.linalg.vector_norm(norms, dim=0)[: len(self.members)]
        gains = (limit / (total + 1e-6)).clamp(max=1.0)
        torch._foreach_mul_(grads, [gains.view(-1, *[1] * (g.ndim - 1)) for g in grads])
        return total


def train_packed(runs: Sequence[Run], say: Say) -> list[Outcome | Exception]:
    """Train `runs` of one arm that are at the same step in one pack, each to its own end.

    Raises AuditionError where the arm cannot be packed, or the pack does not fit into memory.
    """
    job = runs[0].job
    check_packs(job.recipe, runs[0].session.model)
    check_size(runs)
    packed = pack(job, [run.session for run in runs])
    own = packed_job(job, [run.job.seed for run in runs], say)
    members = [
        replace(run, session=member) for run, member in zip(runs, packed.members, strict=True)
    ]
    return train_all(members, lambda clock: advance_all(own, packed, clock))


def packed_job(job: Job, seeds: Sequence[int], say: Say) -> Job:
    """The job of all runs of `job` with these seeds."""
    recipe = replace(
        job.recipe,
        loss=PackedLoss(job.recipe.loss),
        effects=packed_chain(job.recipe.effects, tuple(seeds), say),
    )
    return replace(job, recipe=recipe)


def pack(job: Job, sessions: Sequence[Session]) -> Pack:
    """The pack of `sessions` of one arm that are all at the same step; `job` is that of one run."""
    first = sessions[0]
    params = {name: _parameter(name, sessions) for name in first.params}
    buffers = {name: torch.stack([s.buffers[name] for s in sessions]) for name in first.buffers}
    for place, session in enumerate(sessions):
        for name, tensor in {**session.params, **session.buffers}.items():
            tensor.data = {**params, **buffers}[name].data[place]
    members = [Member(**vars(session)) for session in sessions]
    packed = Pack(
        streams=first.streams,
        batches=PackedBatches([session.batches for session in sessions]),
        model=PackedModel(first.model, first.loss, {**params, **buffers}),
        loss=None,
        params=params,
        optimizer=packed_optimizer(job.recipe.optimizer, params, members),
        effects=stacked([session.effects for session in sessions]),
        apoptosis=first.apoptosis,
        step=first.step,
        updates=first.updates,
        units=first.units,
        cost=first.cost,
        members=members,
    )
    for place, member in enumerate(members):
        member.fetch = partial(_fetch, packed, place)
    return packed


def advance_all(job: Job, packed: Pack, clock: Clock) -> list[StepReport]:
    """One step of every run of the pack, and what it did for each; `job` is `packed_job`'s."""
    report = advance(job, packed, clock)
    for member in (each for each in packed.members if each.under_way):
        member.step, member.updates = packed.step, packed.updates
        member.units, member.cost = packed.units, packed.cost
    effects, state = job.recipe.effects, packed.effects
    norms = [None] * len(packed.members) if report.norm is None else report.norm.unbind()
    return [
        _of(report, place, norm, partial(_meters, effects, state, place))
        for place, norm in enumerate(norms)
    ]


def _of(
    report: StepReport, place: int, norm: Tensor | None, meters: Callable[[], Meters]
) -> StepReport:
    """The report of one run. Written out, as `replace` of 64 runs would take longer than a step."""
    whole = report.gradient
    gradient = Gradient(
        _Rows(whole.grads, place),
        _Rows(whole.terms, place),
        whole.cost,
        tuple(_Rows(half, place) for half in whole.halves),
        whole.closed,
        _Rows(whole.curvature, place),
        _Rows(whole.readings, place),
    )
    return StepReport(report.clock, report.controls, gradient, norm, report.events, meters)


class _Rows(Mapping[str, Tensor]):
    """One run's part of stacked tensors, cut out where it is read."""

    def __init__(self, whole: Tensors, place: int) -> None:
        self.whole, self.place = whole, place

    def __getitem__(self, name: str) -> Tensor:
        return self.whole[name][self.place]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole)

    def __len__(self) -> int:
        return len(self.whole)


def _meters(effects: Any, state: Any, place: int) -> Any:
    return effects.meters(of_run(state, place))


def _fetch(packed: Pack, place: int, member: Member) -> None:
    member.effects = of_run(packed.effects, place)
    hand_out(packed.optimizer, packed.params, member, place)


def _parameter(name: str, sessions: Sequence[Session]) -> nn.Parameter:
    """The parameter of all runs, [S, ...]; it keeps its role, which the number of axes would tell."""
    own = sessions[0].params[name]
    values = torch.stack([session.params[name].detach() for session in sessions])
    made = nn.Parameter(values, requires_grad=own.requires_grad)
    vars(made).update(vars(own), role=role_of(name, own), runs=len(sessions))
    return made


def _cloned(leaf: object) -> object:
    return leaf.clone() if isinstance(leaf, Tensor) else leaf

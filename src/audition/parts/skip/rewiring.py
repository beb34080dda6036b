"""Puts sparse edges in, by fitness, and takes them out with their units: a part of the turnover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from audition.errors import AuditionError
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View
from audition.recipe.turnover import Edit, Event, State, Turnover
from audition.recipe.units import Units, saliency

Wires = Mapping[str, Tensor]
"""The edges of a bundle, [K] each on the CPU: `source`, `target`, `there`."""


@dataclass(frozen=True, kw_only=True)
class Rewiring(Turnover):
    """The events of `inner`, with the edges of the dead taken out, and those by which edges begin.

    Its state holds the edges; the model's buffers are written to agree.
    """

    inner: Turnover
    span: int
    edges: int
    quantile: float
    events: int
    start: float
    until: float
    memory: float

    def init(self, sites: Mapping[str, Units], params: Tensors) -> State:
        ends = self._ends(sites)
        if not ends:
            raise AuditionError("skip=sparse_fitness finds no two blocks that have hidden units")
        none = torch.zeros(self.edges, dtype=torch.int64)
        device = {name: params[units.parts[0].parameter].device for name, units in sites.items()}
        return {
            "inner": self.inner.init(sites, params),
            "worth": {
                source: torch.zeros(sites[source].count, device=device[source])
                for source, _ in ends.values()
            },
            "wires": {
                name: {"source": none, "target": none, "there": none.bool()} for name in ends
            },
            "done": 0,
        }

    def check(self, steps: int | None) -> None:
        self.inner.check(steps)

    def untested(self, state: Any) -> str:
        return self.inner.untested(state["inner"])

    def propose(
        self, probe: Probe, gradient: Gradient, state: Any, view: View
    ) -> tuple[Sequence[Event], Any]:
        events, inner = self.inner.propose(probe, gradient, state["inner"], view)
        state = {**state, "inner": inner}
        if gradient.closed:
            return events, state
        ends = self._ends(probe.sites)
        worth = dict(state["worth"])
        for site in worth if state["done"] < self.events else ():
            now = saliency(probe.sites[site], view.params, gradient.grads)
            worth[site] = torch.lerp(now, worth[site], self.memory)
        wires, after = dict(state["wires"]), []
        for event in events:
            edits = []
            count = probe.sites[event.site].count
            for name, each in ends.items():
                if event.site in each:
                    wires[name], cut = _cut(name, wires[name], event, count, each)
                    edits += cut
            if event.site in worth:
                worth[event.site] = event.carry(worth[event.site])
            after.append(replace(event, edits=(*event.edits, *edits)))
        done = state["done"]
        if self._due(view.clock.fraction, done):
            done += 1
            for name, each in ends.items():
                dead = {e.site: {*e.born.tolist()} for e in events}
                if any(e.resize is not None or len(e.removed) for e in events if e.site in each):
                    continue  # their units have other numbers in the next step
                wires[name], begun = self._grown(name, wires[name], each, worth, dead, probe, view)
                after += begun
        return tuple(after), {**state, "worth": worth, "wires": wires, "done": done}

    def _due(self, spent: float, done: int) -> bool:
        gap = (self.until - self.start) / self.events
        return done < self.events and self.start + done * gap <= spent < self.until

    def _grown(
        self,
        name: str,
        wires: Wires,
        ends: tuple[str, str],
        worth: Mapping[str, Tensor],
        dead: Mapping[str, set[int]],
        probe: Probe,
        view: View,
    ) -> tuple[Wires, list[Event]]:
        """The fittest units over the quantile that have no edge get one each, while there is room."""
        first, last = ends
        fitness = worth[first].float().cpu()
        taken = {*wires["source"][wires["there"]].tolist(), *dead.get(first, ())}
        over = fitness > fitness.quantile(self.quantile)
        fit = [j for j in fitness.argsort(descending=True).tolist() if over[j] and j not in taken]
        free = (~wires["there"]).nonzero().flatten()
        ready = [i for i in range(probe.sites[last].count) if i not in dead.get(last, ())]
        many = min(len(fit), len(free))
        if not many:
            return wires, []
        slots, sources = free[:many], torch.tensor(fit[:many])
        generator = view.streams.child("skip").generator(name, view.clock.step)
        drawn = torch.randint(len(ready), (many,), generator=generator)
        targets = torch.tensor(ready)[drawn]
        wires = {
            "source": wires["source"].index_copy(0, slots, sources),
            "target": wires["target"].index_copy(0, slots, targets),
            "there": wires["there"].index_fill(0, slots, True),
        }
        nobody = slots[:0]
        edits = _rewritten(name, wires, slots)
        return wires, [Event(last, nobody, nobody.new_empty((0, 0)), edits)]

    def _ends(self, sites: Mapping[str, Units]) -> dict[str, tuple[str, str]]:
        """Name of a bundle -> the sites where its edges begin and end."""
        feedforward = [name for name in sites if name.endswith(".feedforward")]
        pairs = zip(feedforward, feedforward[self.span :], strict=False)
        return {f"skip.bundles.{number}": pair for number, pair in enumerate(pairs)}


def _cut(
    name: str, wires: Wires, event: Event, count: int, ends: tuple[str, str]
) -> tuple[Wires, list[Edit]]:
    """The edges without those of the units that die in `event`, with the numbers of after it."""
    stay = event.stay(count)
    number = torch.full((count,), -1)
    number[stay] = torch.arange(len(stay))
    number[event.born[event.born < count].cpu()] = -1
    new = dict(wires)
    for end, site in zip(("source", "target"), ends, strict=True):
        if site == event.site:
            moved = number[wires[end].clamp(max=count - 1)]
            new["there"] = new["there"] & (moved >= 0)
            new[end] = moved.clamp(min=0)
    same = all(torch.equal(new[key][wires["there"]], wires[key][wires["there"]]) for key in wires)
    if same:
        return wires, []
    # A free slot points to the first unit, which is there whatever becomes of the others.
    new = {**new, **{end: torch.where(new["there"], new[end], 0) for end in ("source", "target")}}
    return new, list(_rewritten(name, new, (~new["there"]).nonzero().flatten()))


def _rewritten(name: str, wires: Wires, fresh: Tensor) -> tuple[Edit, ...]:
    """Edits by which the model has these edges, with weight and moments zero in the slots `fresh`."""
    every = torch.arange(len(wires["there"]))
    buffers = (Edit(f"{name}.{key}", 0, every, value) for key, value in wires.items())
    return (*buffers, Edit(f"{name}.weight", 0, fresh, torch.zeros(len(fresh))))

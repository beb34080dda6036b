"""Fitness of several objectives: importance, diversity, stability and efficiency.

Document 002 added them up as they are, so that the one with the largest numbers decided. Here they
are standardised over a site's units first, or ranked by Pareto dominance.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor

from audition.apoptosis.fitness.magnitude import norms
from audition.apoptosis.fitness.saliency import Saliency
from audition.apoptosis.strategy import Fitness, Site
from audition.errors import AuditionError
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class MultiObjective(Fitness):
    """Σ weight · (objective - mean) / std over a site's units; or the rank of Pareto fronts.

    Importance is `saliency`. Diversity is one minus the largest cosine of a unit's incoming weights
    with another's. Stability is minus the coefficient of variation of its activation, by a pass over
    training text. Efficiency is minus ‖w_in‖ ‖w_out‖. An objective of weight 0 is not asked.

    Raises AuditionError where every weight is 0.
    """

    mode: Literal["weighted", "pareto"] = "weighted"
    """Whether objectives are added, or units ranked by how few others are better in all of them."""
    importance: Annotated[float, Ge(0)] = 0.4
    """Weight of what the loss would lose without the unit."""
    diversity: Annotated[float, Ge(0)] = 0.3
    """Weight of being unlike every other unit."""
    stability: Annotated[float, Ge(0)] = 0.2
    """Weight of an activation that is much the same whatever the token."""
    efficiency: Annotated[float, Ge(0)] = 0.1
    """Weight of small weights."""
    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    """Of the moving average of importance, per step."""

    def __post_init__(self) -> None:
        if not any(self._weights.values()):
            names = ", ".join(self._weights)
            raise AuditionError(f"every weight of the fitness is 0: set one of {names}")

    @property
    def _weights(self) -> dict[str, float]:
        names = ("importance", "diversity", "stability", "efficiency")
        return {name: getattr(self, name) for name in names}

    @property
    def _saliency(self) -> Saliency:
        return Saliency(memory=self.memory)

    def init(self, site: Site, params: Tensors) -> Tensor:
        if self.stability and not site.units.read_by:
            raise AuditionError(
                f"the activations of {site.name} cannot be read: choose stability=0"
            )
        return self._saliency.init(site, params)

    def observe(self, site: Site, gradient: Gradient, state: Tensor, view: View) -> Tensor:
        return self._saliency.observe(site, gradient, state, view)

    def score(self, site: Site, probe: Probe, state: Tensor, view: View) -> Tensor:
        asked = {name: weight for name, weight in self._weights.items() if weight}
        found = {name: self._objective(name, site, probe, state, view) for name in asked}
        if len(found) == 1:
            return next(iter(found.values()))
        scores = torch.stack([standardised(each) for each in found.values()])  # [objectives, H]
        total = (torch.tensor(list(asked.values())).to(scores)[:, None] * scores).sum(0)
        return total if self.mode == "weighted" else pareto(scores, total)

    def _objective(self, name: str, site: Site, probe: Probe, state: Tensor, view: View) -> Tensor:
        match name:
            case "importance":
                return state
            case "diversity":
                return diversity(site, view.params)
            case "stability":
                return stability(probe.activations(view.clock.step)[site.name])
        return -norms(site, "incoming", view.params) * norms(site, "outgoing", view.params)


def diversity(site: Site, params: Tensors) -> Tensor:
    """1 - the largest cosine of a unit's incoming weights with another's, [H]; 0 for a duplicate."""
    matrices = [p for p in site.units.parts_of("incoming") if params[p.parameter].ndim > 1]
    rows = torch.cat(
        [params[p.parameter].movedim(p.axis, 0).reshape(site.units.count, -1) for p in matrices], 1
    )
    rows = torch.nn.functional.normalize(rows, dim=1)
    cosines = (rows @ rows.T).fill_diagonal_(-1.0)
    return 1.0 - cosines.max(1).values


def stability(h: Tensor) -> Tensor:
    """Minus std / |mean| of each unit's activation, h [..., H]; at most 0, of a constant unit."""
    tokens = h.reshape(-1, h.shape[-1]).float()
    spread, mean = tokens.std(0, correction=0), tokens.mean(0).abs()
    # A unit that is always zero does not vary.
    return torch.where(spread == 0.0, 0.0, -spread / mean.clamp(min=1e-12)).clamp(min=-1e6)


def standardised(values: Tensor) -> Tensor:
    """(values - mean) / std; zeros where all are the same."""
    spread = values.std(correction=0)
    return torch.where(spread > 0.0, (values - values.mean()) / spread.clamp(min=1e-30), 0.0)


def pareto(scores: Tensor, total: Tensor) -> Tensor:
    """Rank of each unit by fronts of nondominated sorting (Deb et al. 2002), [H], higher fitter.

    scores: [objectives, H]; a unit dominates another that is nowhere better and somewhere worse.
    Within a front, `total` [H] decides, which adds less than one.
    """
    better = (scores[:, :, None] >= scores[:, None, :]).all(0)
    dominates = better & (scores[:, :, None] > scores[:, None, :]).any(0)  # [H, H]
    front = torch.zeros_like(total)
    left = torch.ones_like(total, dtype=torch.bool)
    number = 0
    while left.any():
        first = left & ~(dominates & left[:, None]).any(0)
        front[first] = float(number)
        left, number = left & ~first, number + 1
    return number - 1 - front + total.argsort().argsort() / len(total)

"""Fitness by document 002's formula: the norm of a unit's gradient times its activation."""

from dataclasses import dataclass

from torch import Tensor

from audition.apoptosis.fitness.magnitude import norms
from audition.apoptosis.strategy import Fitness, Site
from audition.errors import AuditionError
from audition.recipe.probe import Probe
from audition.recipe.problem import Gradient
from audition.recipe.signals import Tensors, View


@dataclass(frozen=True, kw_only=True)
class GradientActivation(Fitness):
    """‖∂L/∂w_in[j]‖ · mean |z_j|, of the last batch alone, z being what GELU is given.

    The document measured z in the step's own forward pass; here it is a pass over another batch of
    training text, after the update. Unlike `saliency` it is no first-order change of the loss: a
    unit with a large negative z counts as active, although GELU gives nearly zero.
    """

    def init(self, site: Site, params: Tensors) -> Tensor:
        if not site.units.made_by:
            raise AuditionError(
                f"what the activation of {site.name} is given is not known: choose "
                "apoptosis/fitness=saliency"
            )
        return params[site.units.parts[0].parameter].new_zeros(site.units.count)

    def observe(self, site: Site, gradient: Gradient, state: Tensor, view: View) -> Tensor:
        return norms(site, "incoming", gradient.grads)

    def score(self, site: Site, probe: Probe, state: Tensor, view: View) -> Tensor:
        z = probe.inputs(view.clock.step)[site.name]  # [B, T, H]
        return state * z.float().abs().mean(tuple(range(z.ndim - 1)))

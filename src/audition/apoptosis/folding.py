"""Folding: what a dead unit gave to its layer's output is left to the bias and to other units.

Shape suffixes: N tokens, H units, K of them dead, S survivors, O outputs of the layer.
"""

import torch
from torch import Tensor

from audition.apoptosis.inheritance import survivors
from audition.apoptosis.strategy import Site
from audition.errors import AuditionError
from audition.recipe.probe import Probe
from audition.recipe.signals import View
from audition.recipe.turnover import Edit
from audition.recipe.units import Part

TOKENS = 4096
"""Tokens, at most, that activations are measured on."""


def check_fold(how: str, site: Site) -> None:
    """Raise AuditionError where the units of `site` cannot be folded."""
    outgoing = site.units.parts_of("outgoing")
    if how == "none":
        return
    if not site.units.read_by or len(outgoing) != 1 or outgoing[0].size > 1:
        raise AuditionError(
            f"fold={how} cannot tell what the units of {site.name} give: choose fold=none"
        )
    if how == "mean" and not site.units.bias:
        raise AuditionError(
            f"fold=mean needs a bias of {site.name} to add to: choose model.bias=true, or fold=ridge"
        )


def fold(
    site: Site, born: Tensor, probe: Probe, view: View, ridge: float | None
) -> tuple[list[Edit], dict[str, Tensor]]:
    """The edits by which others take over from `born`, and the outgoing weights after them.

    Units that are added, past the last, have given nothing so far. The text is the batch of
    training text of this step's number. Moments are kept: the weights move a little, as in a step.

    ridge: None folds the mean alone, see `folded`.
    """
    units, dead = site.units, born[born < site.units.count]
    (part,) = units.parts_of("outgoing")
    weight = view.params[part.parameter]
    h = probe.activations(view.clock.step)[site.name].detach()
    h = h.reshape(-1, units.count)[:TOKENS].double()  # [N, H]
    alive = survivors(dead.to(h.device), units.count)
    matrix = weight.detach().movedim(part.axis, -1).double()  # [O, H]
    moved, bias = folded(h, matrix, dead.to(h.device), alive, ridge, centred=bool(units.bias))
    edits = []
    if units.bias:
        old = view.params[units.bias]
        everything = torch.arange(len(old))
        edits.append(Edit(units.bias, 0, everything, (old.double() + bias).to(old), "keep"))
    if ridge is None:
        return edits, {}
    values = moved.movedim(-1, part.axis).to(weight)
    edits.append(_kept(part, alive, values))
    return edits, {part.parameter: weight.index_copy(part.axis, alive, values)}


def folded(
    h: Tensor, matrix: Tensor, dead: Tensor, alive: Tensor, ridge: float | None, *, centred: bool
) -> tuple[Tensor, Tensor]:
    """The survivors' outgoing weights [O, S], and what is added to the bias [O].

    Of activations h [N, H] and outgoing weights [O, H]. Without `ridge` each dead unit is replaced
    by its mean, which the bias takes. With it, by the regression of it on the survivors,
    C = (H_Sᵀ H_S + λ I)⁻¹ H_Sᵀ h_j, of centred activations: C = 0 is the mean, so that the error is
    never larger, on the tokens that it was measured on. Without a bias (`centred` false) nothing
    is centred, and C = 0 is the loss of the unit.
    """
    own, others = h[:, dead], h[:, alive]  # [N, K], [N, S]
    mean, means = own.mean(0), others.mean(0)
    lost = matrix[:, dead]  # [O, K]
    if ridge is None:
        return matrix[:, alive], lost @ mean
    if centred:
        own, others = own - mean, others - means
    gram = others.T @ others
    penalty = ridge * gram.diagonal().mean().clamp(min=1e-12)
    gram.diagonal().add_(penalty)
    shares = torch.linalg.solve(gram, others.T @ own)  # [S, K]
    bias = lost @ (mean - shares.T @ means) if centred else torch.zeros_like(lost[:, 0])
    return matrix[:, alive] + lost @ shares.T, bias


def _kept(part: Part, units: Tensor, values: Tensor) -> Edit:
    return Edit(part.parameter, part.axis, part.entries(units), values, "keep")

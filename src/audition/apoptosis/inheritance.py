"""What heredities share: who survives, who parents, and how a child is made of its parents.

Shape suffixes: H units of a site, K children, P parents of each.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from audition.apoptosis.strategy import Site
from audition.recipe.signals import View
from audition.recipe.turnover import Edit, Moments
from audition.recipe.units import Part


def survivors(born: Tensor, count: int) -> Tensor:
    """The units, of `count`, that are not in `born`, in order, [H - K]."""
    lives = torch.ones(count, dtype=torch.bool, device=born.device)
    lives[born[born < count]] = False
    return lives.nonzero().flatten()


def fittest(born: Tensor, fitness: Tensor) -> Tensor:
    """The fittest survivors, one a child, [K]; from the first again where they are too few."""
    lives = torch.ones(len(fitness), dtype=torch.bool, device=fitness.device)
    lives[born[born < len(fitness)]] = False
    ranked = fitness.argsort().flip(0)
    ranked = ranked[lives[ranked]]
    return ranked[torch.arange(len(born), device=ranked.device) % len(ranked)]


def drawn(born: Tensor, fitness: Tensor, parents: int, generator: torch.Generator) -> Tensor:
    """Survivors drawn in proportion to their fitness, those of one child distinct, [K, P].

    Where some fitness is negative, it counts from the lowest. Survivors without any are drawn where
    there are too few others.
    """
    alive = survivors(born, len(fitness)).to(fitness.device)
    worth = fitness[alive].double().cpu()
    known = worth.isfinite()
    lowest = worth[known].min().clamp(max=0.0) if known.any() else worth.new_zeros(())
    worth = torch.where(known, worth - lowest, 0.0)
    # A share that decides nothing unless fewer than `parents` have any fitness.
    chances = worth + worth.sum().clamp(min=1e-200) * 1e-12
    each = torch.multinomial(chances.expand(len(born), -1), parents, generator=generator)
    return alive[each.to(alive.device)]


def copied(part: Part, parents: Tensor, view: View) -> Tensor:
    """The entries of `parents` [K] in one part, a new tensor."""
    return view.params[part.parameter].index_select(part.axis, part.entries(parents))


def noisy(values: Tensor, part: Part, sigma: float, generator: torch.Generator) -> Tensor:
    """`values` of K units plus noise of `sigma` times the root mean square of each unit's entries.

    Relative, since a size that is small for one layer would drown another. A vector, such as
    biases, is left as it is.
    """
    if values.ndim < 2 or sigma == 0.0:
        return values
    draw = torch.randn(values.shape, generator=generator).to(values)
    rows = values.movedim(part.axis, 0)
    size = rows.reshape(rows.shape[0] // part.size, -1).square().mean(1).sqrt()  # [K]
    return values + along(sigma * size, part, values.ndim) * draw


def along(values: Tensor, part: Part, ndim: int) -> Tensor:
    """One value a unit, [K], as a tensor of `ndim` axes that broadcasts over a part's entries."""
    own = values.repeat_interleave(part.size)
    return own.view([-1 if i == part.axis else 1 for i in range(ndim)])


def edit(
    part: Part, units: Tensor, values: Tensor, moments: Moments, parents: Tensor | None = None
) -> Edit:
    """New values of `units`; with moments "copy", those of `parents` [K] are copied along."""
    source = part.entries(parents) if moments == "copy" and parents is not None else None
    return Edit(part.parameter, part.axis, part.entries(units), values, moments, source)


def divided(
    part: Part,
    whole: Tensor,
    born: Tensor,
    parents: Tensor,
    shares: Tensor,
    moments: Moments,
    signs: Tensor | None = None,
) -> tuple[Edit, Edit]:
    """Each child takes shares of its parents' outgoing entries, and its parents keep the rest.

    So the sum of the entries of all units is what it was. A parent of several children gives each
    its share divided by their number.

    whole: what the part's parameter is taken to be; parents, shares: [K, P]; signs: [K, P] of ±1,
    with which the child takes its shares, where it reads a parent's row with the other sign.
    """
    children = torch.bincount(parents.flatten(), minlength=int(parents.max()) + 1)
    taken = shares.to(whole) / children[parents]
    signed = taken if signs is None else taken * signs.to(taken)
    own = torch.stack(
        [
            whole.index_select(part.axis, part.entries(each)) * along(share, part, whole.ndim)
            for each, share in zip(parents.T, signed.T, strict=True)
        ]
    ).sum(0)
    given = whole.new_zeros(len(children)).index_add(0, parents.flatten(), taken.flatten())
    givers = torch.tensor(list(dict.fromkeys(parents.flatten().tolist())), device=parents.device)
    kept = whole.index_select(part.axis, part.entries(givers))
    kept = kept * along(1.0 - given[givers], part, whole.ndim)
    return (
        edit(part, born, own, moments, parents[:, 0]),
        edit(part, givers, kept, moments, givers),
    )


def silenced(
    site: Site, born: Tensor, view: View, moments: Moments, parents: Tensor | None = None
) -> Sequence[Edit]:
    """The outgoing entries of `born` become zero, so that a new unit has no effect at first."""
    edits = []
    for part in site.units.parts_of("outgoing"):
        shape = list(view.params[part.parameter].shape)
        shape[part.axis] = len(born) * part.size
        values = view.params[part.parameter].new_zeros(shape)
        edits.append(edit(part, born, values, moments, parents))
    return edits

"""`parallel=fsdp`: the batch is shared as in ddp, and so are weights, gradients and moments (FSDP2)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from audition.errors import AuditionError
from audition.parallel.ddp import Ddp
from audition.parallel.team import Team
from audition.recipe.mix import Mix
from audition.recipe.problem import GradientRule, Loss
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors
from audition.recipe.turnover import Turnover


@dataclass(frozen=True, kw_only=True)
class Fsdp(Ddp):
    """Each process holds a part of every tensor, and sees a layer whole while it computes with it.

    The run of `parallel=ddp` for models that one process's memory does not hold: without clipping the
    same to the bit, with it up to the rounding of the gradients' norm. Parts of a recipe that
    compute with whole matrices are refused.
    """

    environment: ClassVar[Mapping[str, str]] = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}
    """glibc would keep the memory of gathered layers, in pieces, and use more than it saves."""

    def team(self, device: str) -> Team:
        from audition.parallel.shards import Shards  # needs torch

        return Shards(device)

    def check(self, recipe: Recipe, rule: GradientRule) -> None:
        """Raises AuditionError where a part of `recipe` needs whole tensors.

        rule: the gradient rule that is not an idea's. A part says that it can do with parts of
        tensors by a true attribute `sharded`.
        """
        if self.processes == 1:
            return
        for what in unshardable(recipe, rule):
            raise AuditionError(
                f"parallel=fsdp: {what}, and each process has a part of every tensor: leave it out, "
                "or choose parallel=ddp"
            )

    def check_weights(self, params: Tensors) -> None:
        """Raises AuditionError for weights that cannot be parted."""
        for name, p in params.items():
            if p.ndim == 0 and self.processes > 1:
                raise AuditionError(
                    f"parallel=fsdp: weight '{name}' is a single number, which cannot be parted: give "
                    "it a dimension, or choose parallel=ddp"
                )


def unshardable(recipe: Recipe, rule: GradientRule) -> Iterator[str]:
    """What of `recipe` computes with whole tensors, as the middle of a sentence."""
    if not getattr(recipe.optimizer, "sharded", False):
        kind = getattr(recipe.optimizer, "func", type(recipe.optimizer))
        yield f"optimizer {kind.__name__} may compute with whole tensors"
    for name, effect in recipe.effects.members.items():
        if not (effect.effect if isinstance(effect, Mix) else effect).sharded:
            yield f"effect '{name}' may compute with whole tensors"
    if recipe.gradient is not rule:
        yield "an idea replaces the gradient rule"
    if type(recipe.apoptosis) is not Turnover:
        yield "apoptosis (or skip=sparse_fitness) works on whole units"
    if type(recipe.loss).init is not Loss.init:
        yield f"loss {type(recipe.loss).__name__} has weights of its own"

"""Count shrink: the vector of a token that was seen rarely is drawn to the mean of all vectors.

Shape suffixes: B rows, T tokens, C channels, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.parts.initial import Constant, parameter
from audition.recipe.effect import Effect, Meters
from audition.recipe.kill import KillTest
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors, View
from audition.recipe.streams import Streams

COUNTS = "embedding.shrinkage.counts"
"""The model's name of the counts [V] that its vectors are shrunk by."""
RARE = 20
"""Occurrences below which a token counts as rare."""
ROWS = ("embedding.weight", "head.weight")
"""Matrices with a vector for each token; one where the head is tied."""


@dataclass(frozen=True, kw_only=True)
class CountShrink:
    """E_eff[v] = s_v E[v] + (1 - s_v) Ē with s_v = n_v / (n_v + n0), at the input and in the head.

    n_v is how often v was an input of the steps before, and Ē the mean of the rows weighted by n_v,
    without a gradient. An untied head is shrunk to its own mean.
    """

    n0: Annotated[float, Ge(0)] = 8.0
    """Occurrences at which a vector is half its own; 0 is the exact identity."""
    unigram_bias: bool = True
    """Whether the head learns a bias for each token, from zero: equal rows cannot say how frequent."""
    control: Literal["none", "permuted", "constant", "unshrunk"] = "none"
    """Counts dealt to other tokens, in one order a run; the mean of s for all; or s = 1 for all."""
    row_decay: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    """Share that every row loses at every step: with control=unshrunk, plain weight decay."""

    neutral: ClassVar[Mapping[str, object]] = {"n0": 0}
    active: ClassVar[Mapping[str, object]] = {"row_decay": 0.01}

    def __call__(self, recipe: Recipe) -> Recipe:
        if self.n0 == 0.0:
            return recipe
        return recipe.with_change(self.shrink).with_effect("count_shrink", Counting(self))

    def kill(self) -> KillTest:
        """Where hardly any token is of a rare type, as by characters, there is nothing to shrink."""
        return KillTest(
            watch=replace(self, control="unshrunk", unigram_bias=False, row_decay=0.0),
            meter="count_shrink/rare",
            means=f"the share of a step's tokens that were seen fewer than {RARE} times before",
            below=0.01,
            share=0.8,
        )

    def shrink(self, model: nn.Module) -> None:
        """Have `model` read shrunk vectors; AuditionError where it has no embedding and head."""
        embedding, head = (getattr(model, name, None) for name in ("embedding", "head"))
        if not isinstance(embedding, nn.Embedding) or not isinstance(head, nn.Linear):
            raise AuditionError(
                f"count_shrink shrinks the vectors of tokens, and {type(model).__name__} has no "
                "embedding with a head: choose model=nano, or another GPT"
            )
        shrinkage = Shrinkage(len(embedding.weight), self)
        model.embedding = ShrunkEmbedding(embedding.weight, shrinkage)
        model.head = ShrunkHead(head, shrinkage, self.unigram_bias)


class Counting(Effect):
    """Counts the inputs of every step's batch, and gives the counts to the model after it.

    The counts of a batch arrive as a gradient, so that they come once a step, however many pieces
    or processes share it. A rule around this one that passes halves of a batch counts their mean.
    """

    packs: ClassVar[bool] = True

    def __init__(self, settings: CountShrink) -> None:
        self.settings = settings

    def init(self, params: Tensors, streams: Streams) -> dict[str, Any]:
        counts = torch.zeros_like(params[COUNTS], dtype=torch.float64)  # exact up to 2^53
        order = torch.arange(len(counts))
        if self.settings.control == "permuted":
            order = torch.randperm(len(counts), generator=streams.generator("order"), device="cpu")
        return {"counts": counts, "order": order.to(counts.device), "rare": counts.sum()}

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        def counted(problem: Problem) -> Gradient:
            gradient = rule(problem)
            if gradient.closed:
                return gradient
            counts = occurrences(problem.batch.inputs, view.params[COUNTS])
            return gradient.with_grads({**gradient.grads, COUNTS: counts})

        return counted, state

    def on_gradients(self, gradient: Gradient, state: Any, view: View) -> tuple[Gradient, Any]:
        if gradient.closed:
            return gradient, state
        seen = gradient.grads[COUNTS]
        rare = (seen * (state["counts"] < RARE)).sum() / seen.sum()
        rest = {**gradient.grads, COUNTS: torch.zeros_like(seen)}
        after = {**state, "counts": state["counts"] + seen, "rare": rare.double()}
        return gradient.with_grads(rest), after

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        after = {**params, COUNTS: state["counts"].gather(0, state["order"]).to(params[COUNTS])}
        if self.settings.row_decay:
            kept = 1.0 - self.settings.row_decay
            after |= {name: params[name] * kept for name in ROWS if name in params}
        return after, state

    def meters(self, state: Any) -> Meters:
        """`rare`: the share of the step's tokens that were seen fewer than twenty times before it."""
        return {"rare": state["rare"]}


class Shrinkage(nn.Module):
    """How far each token's vector is its own. The counts are written by `Counting` alone."""

    def __init__(self, vocabulary: int, settings: CountShrink) -> None:
        super().__init__()
        self.settings = settings
        self.counts = parameter(vocabulary, init=Constant(0.0), role="vector")
        self.counts.requires_grad_(False)

    def shares(self) -> Tensor:
        """s [V]."""
        if self.settings.control == "unshrunk":
            return torch.ones_like(self.counts)
        shares = self.counts / (self.counts + self.settings.n0)
        return shares.mean().expand_as(shares) if self.settings.control == "constant" else shares

    def mean(self, weight: Tensor) -> Tensor:
        """Ē [C] of the rows of `weight` [V, C]; of all alike, before any was seen."""
        total = self.counts.sum()
        share = torch.where(total > 0, self.counts / total.clamp(min=1.0), 1.0 / len(self.counts))
        return (share[:, None] * weight.detach()).sum(
            0
        )  # a product would be in autocast's precision


class ShrunkEmbedding(nn.Module):
    """Token ids [B, T] to their shrunk vectors [B, T, C]."""

    def __init__(self, weight: Tensor, shrinkage: Shrinkage) -> None:
        super().__init__()
        self.weight, self.shrinkage = weight, shrinkage

    def forward(self, inputs: Tensor) -> Tensor:
        own, shares = F.embedding(inputs, self.weight), self.shrinkage.shares()[inputs]
        return torch.lerp(self.shrinkage.mean(self.weight), own, shares[..., None])


class ShrunkHead(nn.Module):
    """Features [B, T, C] to logits [B, T, V], by shrunk rows."""

    def __init__(self, head: nn.Linear, shrinkage: Shrinkage, biased: bool) -> None:
        super().__init__()
        self.weight, self.bias = head.weight, head.bias
        if biased and head.bias is None:
            self.bias = parameter(len(head.weight), init=Constant(0.0), role="vector")
        self.shared = (shrinkage,)  # in a tuple, since it is a part of the embedding already

    def forward(self, x: Tensor) -> Tensor:
        (shrinkage,) = self.shared
        shares = shrinkage.shares()[:, None]
        return F.linear(x, torch.lerp(shrinkage.mean(self.weight), self.weight, shares), self.bias)


def occurrences(inputs: Tensor, like: Tensor) -> Tensor:
    """How often each of the V ids is in [B, T]; [V], or [S, V] of the S runs of a pack."""
    ids = inputs.flatten(-2)
    return torch.zeros_like(like).scatter_add(-1, ids, torch.ones_like(ids, dtype=like.dtype))

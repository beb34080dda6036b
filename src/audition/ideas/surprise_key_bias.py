"""Surprise key bias: each head learns how much more to look at tokens that were unexpected.

How unexpected a token was after the one before it, by pairs counted over the first steps, is added
to the scores of its key: A_qk = q·k / √D + β_h s_k, standardised, with a learned β_h from zero.

Shape suffixes: B rows, T tokens, H heads, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.parts.initial import Constant, parameter
from audition.parts.positional.places import Places
from audition.parts.surprisal import Kind, Surprisal
from audition.recipe.effect import Effect, Meters
from audition.recipe.kill import KillTest
from audition.recipe.problem import Gradient, GradientRule, Problem
from audition.recipe.recipe import Recipe
from audition.recipe.signals import Tensors, View

BIAS = "key_bias"
"""Name of β_h in every attention."""


@dataclass(frozen=True, kw_only=True)
class SurpriseKeyBias:
    """The idea and its controls."""

    scale: Annotated[float, Ge(0)] = 1.0
    """What the standardised surprise is multiplied by; 0 is the exact identity."""
    key: Literal["pair", "unigram", "permuted", "learned"] = "pair"
    """Surprise after the token before, or without it; that of another pair, drawn from the same
    distribution; or a number learned for each token, the same in all heads."""
    buckets: Annotated[int, Ge(2)] = 262_139
    """Counters, which pairs share where there are more of them: a prime, since pairs are numbered
    earlier · V + later, modulo this."""
    counted: Annotated[float, Interval(ge=0, le=1)] = 0.1
    """Share of the run after which the table stays as it is."""

    neutral: ClassVar[Mapping[str, object]] = {"scale": 0}
    active: ClassVar[Mapping[str, object]] = {"counted": 0.5}

    def __call__(self, recipe: Recipe) -> Recipe:
        """Models without softmax attention are refused as they are made."""
        if self.scale == 0.0:
            return recipe
        rule = Counted(recipe.gradient, self.counted)
        changed = replace(recipe.with_change(self.biased), gradient=rule)
        return changed.with_effect("surprise_key_bias", Strength())

    def kill(self) -> KillTest:
        """Where the token tells its surprise, a bias for each token would do, which layers have."""
        return KillTest(
            watch=Unexplained(self.buckets),
            meter="share",
            means="the share of the variance of surprise that the token alone does not explain",
            below=0.1,
        )

    def biased(self, model: nn.Module) -> None:
        """Give `model` the table and each attention its β; AuditionError where nothing has scores."""
        reached = [m for m in model.modules() if "scores" in getattr(m, "reached_by", ())]
        if not reached:
            raise AuditionError(
                f"surprise_key_bias adds to the scores of attention, and {type(model).__name__} here "
                "has none: choose attention=causal"
            )
        vocabulary, width = model.get_parameter("embedding.weight").shape
        model.surprise = table = Keys(vocabulary, self)
        model.get_submodule("embedding").register_forward_pre_hook(table.hear)
        for attention in reached:
            heads = width // int(getattr(attention, "channels"))  # noqa: B009 (untyped)
            start = Constant(1.0 if self.key == "learned" else 0.0)
            beta = parameter(heads, init=start, role="vector")
            beta.requires_grad_(self.key != "learned")
            attention.register_parameter(BIAS, beta)
            attention.register_forward_pre_hook(table.bias)


class Keys(Surprisal):
    """What each key of a window is biased by, for all attentions of a model."""

    def __init__(self, vocabulary: int, settings: SurpriseKeyBias) -> None:
        kind: Kind = "pair" if settings.key == "learned" else settings.key
        super().__init__(vocabulary, settings.buckets, kind)
        self.scale = settings.scale
        if settings.key == "learned":
            self.scalar = parameter(vocabulary, init=Constant(0.0), role="vector")
        self.keys = torch.zeros(())  # [B, T] of the window that is read

    def standardised(self, ids: Tensor) -> Tensor:
        return self.scalar[ids] if hasattr(self, "scalar") else super().standardised(ids)

    def hear(self, embedding: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """A hook of the embedding: attention reads `keys` within the same pass."""
        self.keys = self.scale * self.standardised(inputs[0])

    def bias(self, attention: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """A hook of an attention, which is handed the positions of its model, biased."""
        x, places = given
        return x, Biased(places, self.keys, attention.get_parameter(BIAS))


class Biased:
    """Positions that also bias the scores by the keys [B, T] times β [H]."""

    def __init__(self, places: Places, keys: Tensor, beta: Tensor) -> None:
        self.places, self.rotate = places, places.rotate
        self.added = beta[:, None, None] * keys[:, None, None, :]  # [B, H, 1, T]

    def bias(self, places: int) -> Tensor:
        """[B, H, 1 or T, T]."""
        own = self.places.bias(places)
        return self.added if own is None else own + self.added


class Counted:
    """A gradient rule after which the batch's pairs are counted: a row never knows its own future."""

    def __init__(self, rule: GradientRule, counted: float) -> None:
        self.rule, self.counted = rule, counted

    def __call__(self, problem: Problem) -> Gradient:
        gradient = self.rule(problem)
        table = problem.model.get_submodule("surprise")
        assert isinstance(table, Keys)
        if problem.clock.fraction < self.counted and not gradient.closed:
            table.learn(problem.batch.inputs)
        return gradient


class Strength(Effect):
    """Reads the largest |β|: below .02 everywhere, no head asked for surprise."""

    def on_weights(self, params: Tensors, state: Any, view: View) -> tuple[Tensors, Any]:
        each = [p.abs().max() for name, p in params.items() if name.endswith(f".{BIAS}")]
        return params, {"largest": torch.stack(each).max()}

    def meters(self, state: Any) -> Meters:
        return state or {}


class Unexplained(Effect):
    """How much of the variance of surprise lies within tokens, by the pairs counted so far."""

    def __init__(self, buckets: int) -> None:
        self.buckets = buckets

    def wrap_gradient(self, rule: GradientRule, state: Any, view: View) -> tuple[GradientRule, Any]:
        weight = view.params["embedding.weight"]
        after = state or {"table": Surprisal(len(weight), self.buckets).to(weight.device)}

        def read(problem: Problem) -> Gradient:
            ids = problem.batch.inputs
            after["share"] = within(after["table"].learn(ids).flatten(), ids[:, 1:].flatten())
            return rule(problem)

        return read, after

    def meters(self, state: Any) -> Meters:
        return {"share": state["share"]} if state else {}


def within(x: Tensor, ids: Tensor) -> Tensor:
    """The variance of `x` [N] among those of one of the `ids` [N], as a share of the whole; []."""
    sizes, sums = (x.new_zeros(int(ids.max()) + 1).index_add(0, ids, y) for y in (x * 0 + 1, x))
    inside = (x - (sums / sizes)[ids]).square().sum() / (len(x) - (sizes > 0).sum())
    return inside / x.var()

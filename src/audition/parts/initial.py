"""How every parameter gets its first value: from a random stream that is keyed by its own name."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from audition.errors import AuditionError
from audition.recipe.streams import Streams

Role = Literal["embedding", "head", "matrix", "vector"]
"""What an optimizer sees in it: only a `matrix` is orthogonalised, a `vector` rarely decays."""


class Rule(Protocol):
    """How the first value of a parameter is made."""

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """A float32 tensor of `shape` on the CPU, whose only randomness is `generator`."""
        ...


@dataclass(frozen=True)
class Normal:
    """Independent draws of N(0, std²)."""

    std: float
    residual: bool = False  # the map writes into the residual stream; see `scale_residuals`

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        return torch.empty(shape).normal_(0.0, self.std, generator=generator)


@dataclass(frozen=True)
class Constant:
    """The same value everywhere."""

    value: float

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        return torch.full(shape, self.value)


def parameter(*shape: int, init: Rule, role: Role) -> nn.Parameter:
    """A parameter of `shape` that carries its rule as `.initial` and its `.role`.

    It holds NaN until `initialise`, so that a forgotten call shows at once. The two attributes are
    lost by `copy.deepcopy` and `to_empty`; `role_of` falls back on the name there.
    """
    made = nn.Parameter(torch.full(shape, torch.nan))
    vars(made).update(initial=init, role=role)
    return made


def role_of(name: str, weight: Tensor) -> Role:
    """The role declared for a parameter; else what its name and number of axes say."""
    declared: Role | None = getattr(weight, "role", None)
    if declared is not None:
        return declared
    if weight.ndim < 2:
        return "vector"
    steps = name.split(".")
    if any("embedding" in step for step in steps):
        return "embedding"
    return "head" if {"head", "lm_head"}.intersection(steps) else "matrix"


def initialise(model: nn.Module, streams: Streams) -> None:
    """Give every parameter of `model` its first value, in place; call it before moving to a device.

    A parameter is drawn from the stream of its qualified name, so adding one moves no other; a
    tied parameter is drawn once, under the first of its names. Parameters without a rule, as stock
    torch modules have, are reset by their own module, with torch's CPU generator seeded by the
    module's name and put back afterwards.

    Raises ValueError for a parameter that has neither a rule nor a module that can reset it.
    """
    # Children first: a module that resets its parts anew, as attention does, has the last word.
    for path, module in reversed(list(model.named_modules())):
        bare = [n for n, p in module.named_parameters(path, recurse=False) if not _rule(p)]
        if bare:
            _reset(module, bare[0], streams.number(path))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            rule = _rule(weight)
            if rule is not None:
                weight.copy_(rule.draw(weight.shape, streams.generator(name)))


def redraw(name: str, weight: Tensor, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """New first values for a piece of a parameter, of `shape`, by the rule it was drawn with.

    Raises AuditionError for a parameter without a rule, as stock torch modules have.
    """
    rule = _rule(weight)
    if rule is None:
        raise AuditionError(
            f"nothing says how an entry of '{name}' is drawn anew; make the parameter with "
            "audition.parts.initial.parameter(..., init=Normal(0.02), role='matrix')"
        )
    drawn: Tensor = rule.draw(shape, generator)
    return drawn.to(weight)


def scale_residuals(module: nn.Module, factor: float) -> None:
    """Multiply by `factor` the std of each map of `module` that writes into the residual stream."""
    for weight in module.parameters():
        rule = _rule(weight)
        if isinstance(rule, Normal) and rule.residual:
            vars(weight)["initial"] = replace(rule, std=rule.std * factor)


def _rule(weight: Tensor) -> Any:
    return getattr(weight, "initial", None)


def _reset(module: nn.Module, name: str, seed: int) -> None:
    reset: Callable[[], None] | None = getattr(module, "reset_parameters", None) or getattr(
        module, "_reset_parameters", None
    )
    if reset is None:
        raise ValueError(
            f"nothing says how the parameter '{name}' starts; make it with "
            "audition.parts.initial.parameter(..., init=Normal(0.02), role='matrix')"
        )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        reset()

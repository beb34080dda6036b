"""The section `claim`: what a sweep claims of its arms, and whether it can be claimed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any

from annotated_types import Gt

from audition.amount import COSTS
from audition.errors import AuditionError, choices

NONE = "none"
"""A cost that claims nothing, whatever else is said of a claim."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a sweep claims of its arms, "the same loss for at most 1/k of a cost"; part of its plan."""

    cost: str | Sequence[str] | None = None
    """What is to be less: one cost, or several (docs/efficiency.md); null: nothing is claimed; none:
    nothing, whatever else a campaign's file says of a claim."""
    k: Annotated[float, Gt(0)] | Sequence[Annotated[float, Gt(0)]] = 2.0
    """How many times less, for all costs or for each."""
    delta: Annotated[float, Gt(0)] | None = None
    """δ: the largest loss that does not count, in the metric's unit; null: the smaller of a seed's σ
    and .5 % of the baseline's level."""
    arms: str | Sequence[str] | None = None
    """The arm that it is about, or several, as the sweep names them; null: all but the controls."""
    control: str | Sequence[str] | None = None
    """Arms that are its control: a smaller plain model, trained for longer at as many operations."""

    @property
    def parts(self) -> tuple[tuple[str, float], ...]:
        """Each cost with its k, in the order written."""
        costs, factors = _each(self.cost), _each(self.k)
        if self.cost == NONE:
            return ()
        if len(factors) == 1:
            factors *= len(costs)
        return tuple(zip(costs, factors, strict=True))

    @property
    def claimed(self) -> tuple[str, ...]:
        """The arms that are named, each as it is typed; none: all but the controls."""
        return _each(self.arms)

    @property
    def controls(self) -> tuple[str, ...]:
        """The arms that are its control, each as it is typed."""
        return _each(self.control) if self.parts else ()


def claim_of(settings: Mapping[str, Any]) -> Claim:
    """The claim of checked settings; without a cost, where nothing is claimed."""
    return Claim(**settings["claim"])


def check_claim(claim: Claim) -> None:
    """Raise AuditionError for a cost that there is not, or as many factors as there are no costs."""
    costs, factors = _each(claim.cost), _each(claim.k)
    if claim.cost == NONE:
        return
    for cost in costs:
        if cost not in COSTS:
            raise AuditionError(f"claim.cost={cost} is not a cost{choices(cost, (*COSTS, NONE))}")
    if len(set(costs)) < len(costs):
        raise AuditionError(f"claim.cost={list(costs)} names a cost twice")
    if costs and len(factors) not in (1, len(costs)):
        raise AuditionError(
            f"claim.k={list(factors)} has {len(factors)} factors, and claim.cost {len(costs)} "
            "cost(s): give one for all, or one for each"
        )
    if not costs and claim != Claim():
        named = next(f.name for f in fields(Claim) if getattr(claim, f.name) != f.default)
        raise AuditionError(f"claim.{named} is part of a claim, and claim.cost names no cost")


def _each(value: Any) -> tuple[Any, ...]:
    """A value, or several, as a tuple; nothing for null."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)

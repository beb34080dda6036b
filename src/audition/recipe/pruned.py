"""A chain without the effects that do nothing, or harm."""

from collections.abc import Mapping
from dataclasses import dataclass

from audition.recipe.effect import Chain

FLOOR = 1e-3
"""Activity below which an effect changes next to nothing."""


@dataclass(frozen=True)
class Pruned:
    """What is left of a chain, and why each effect that is not was left out."""

    chain: Chain
    why: Mapping[str, str]


def pruned(
    chain: Chain,
    activity: Mapping[str, float],
    without: Mapping[str, tuple[float, float]],
    floor: float = FLOOR,
) -> Pruned:
    """`chain` without each effect that

    * changes its signals by less than `floor`, and leaving it out is worth nothing that can be told
      from zero, or
    * is better left out: the whole interval of what that gains lies above zero.

    Any other is kept, and so is one without an interval: nothing is dropped unheard.

    Args:
        activity: by name, as `recipe.activity` meters it.
        without: by name, the interval of the gain of leaving it out; above zero is better without.

    Examples:
        >>> from audition import Effect
        >>> class Idle(Effect): ...
        >>> found = pruned(Chain({"idle": Idle()}), {"idle": 0.0}, {"idle": (-0.01, 0.02)})
        >>> list(found.chain.members), found.why
        ([], {'idle': 'does nothing'})
    """
    why: dict[str, str] = {}
    for name in chain.members:
        low, high = without.get(name, (float("-inf"), -1.0))
        if low > 0.0:
            why[name] = "is better left out"
        elif low <= 0.0 <= high and activity.get(name, float("inf")) < floor:
            why[name] = "does nothing"
    return Pruned(Chain({n: e for n, e in chain.members.items() if n not in why}), why)

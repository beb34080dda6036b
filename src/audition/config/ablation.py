"""Arms that take a chain of effects apart or reorder it, each a line as one types it."""

from collections.abc import Sequence
from itertools import combinations, permutations

from audition.config.chains import CHAIN, ORDER
from audition.errors import AuditionError

MOST_ORDERS = 5
"""Effects of a chain above which its permutations (6! = 720) are no sweep."""


def ablation(names: Sequence[str]) -> list[str]:
    """The arms of an ablation of a chain, whose baseline is the whole chain, without repeats:

    * leave one out: each effect bypassed;
    * every two bypassed: with the arms above and the baseline a 2 x 2 design for each pair, whose
      contrast `audition interactions` computes;
    * add one in: all but one bypassed;
    * none: all bypassed, which trains as `preset=none` does.

    Examples:
        >>> ablation(["limiter"])
        ['effects.limiter.bypass=true']
        >>> len(ablation(["a", "b", "c"])), len(ablation(["a", "b", "c", "d"]))
        (7, 15)
    """
    several = range(len(names) + 1)
    sizes = [n for n in several if n in (1, 2, len(names) - 1, len(names)) and n > 0]
    arms = (bypassed(out) for size in sizes for out in combinations(names, size))
    return list(dict.fromkeys(arms))


def orders(names: Sequence[str]) -> list[str]:
    """An arm for each order of a chain but its own.

    Raises AuditionError for chains of more effects than a sweep has runs for.
    """
    if len(names) > MOST_ORDERS:
        raise AuditionError(
            f"{len(names)} effects have more orders than a sweep should try: bypass all but "
            f"{MOST_ORDERS}, or name some by hand, {CHAIN}.{ORDER}=[{','.join(names)}]"
        )
    return [
        f"{CHAIN}.{ORDER}=[{','.join(order)}]"
        for order in permutations(names)
        if order != tuple(names)
    ]


def bypassed(names: Sequence[str]) -> str:
    """The arm without these effects."""
    return " ".join(f"{CHAIN}.{name}.bypass=true" for name in names)


def left_out(arm: str) -> str | None:
    """The effect that an arm of that name leaves out, where it does only that."""
    start, end = f"{CHAIN}.", ".bypass=true"
    name = arm.removeprefix(start).removesuffix(end)
    return name if arm == f"{start}{name}{end}" and "," not in arm else None

"""How many pairs of a query and a key an attention allows, and how many it computes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pairs:
    """Of one head, in one window of T tokens.

    A mask that hides a pair saves its product only where the kernel skips it, so the two numbers
    are reported apart.

    Args:
        allowed: pairs in which the key may act on the query's output.
        executed: pairs whose product is computed on a CPU in bfloat16, where nothing is skipped
            that the attention does not skip itself.
    """

    allowed: int
    executed: int


def past(places: int) -> int:
    """Pairs of a query and a key that is not later, among `places` tokens."""
    return places * (places + 1) // 2

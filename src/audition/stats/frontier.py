"""The frontier of loss and cost: which points no other beats in both, and how much lies behind them."""

from collections.abc import Sequence

Point = tuple[float, float]
"""A loss and a cost; less of either is better."""


def frontier(points: Sequence[Point]) -> list[int]:
    """The indices of the points that no other one dominates, from the least loss on.

    A point dominates another where it is no more in both and less in one; equal points stay
    together. So points are drawn: that one arm dominates another is for a test to say
    (`Claimed.dominates`).

    Examples:
        >>> frontier([(1.8, 4.0), (1.9, 1.0), (1.9, 2.0)])
        [0, 1]
    """
    kept: list[int] = []
    for i in sorted(range(len(points)), key=points.__getitem__):
        if not kept or points[i][1] < points[kept[-1]][1] or points[i] == points[kept[-1]]:
            kept.append(i)
    return kept


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """The area that the points dominate, up to `reference`: loss times cost.

    Source: Zitzler & Thiele (1999), IEEE Trans. Evol. Comput. 3, 257; of two objectives a staircase.
    """
    area, (loss_end, ceiling) = 0.0, reference
    for i in frontier(points):
        loss, cost = points[i]
        if loss < loss_end and cost < ceiling:
            area += (loss_end - loss) * (ceiling - cost)
            ceiling = cost
    return area

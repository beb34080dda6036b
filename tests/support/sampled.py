"""Every pair of choices in a few rows, and the whole product for those who have the time."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def in_pairs(*choices: Sequence[Any]) -> list[ParameterSet]:
    """The product of `choices` as parameters of a test; all but a few rows are slow.

    The few hold every pair of choices at least once: what two of them break together is found.
    """
    rows = list(product(*choices))
    missing = {pair for row in rows for pair in pairs(row)}
    few = set()
    while missing:
        best = max(rows, key=lambda row: len(missing & pairs(row)))
        few.add(best)
        missing -= pairs(best)
    return [pytest.param(*row, marks=(pytest.mark.slow,) * (row not in few)) for row in rows]


def pairs(row: tuple[Any, ...]) -> set[Any]:
    """Each two of its places, with what stands there."""
    return set(combinations(enumerate(row), 2))

"""Adjusting p values for the number of ideas that were tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float], *, family_size: int | None = None) -> list[float]:
    """Holm's step-down adjusted p values [m], in the given order; holds the family error.

    `family_size` >= m counts comparisons that were made but are not in `p`.

    Source: Holm (1979), Scand. J. Stat. 6, 65.

    Raises:
        ValueError: a p outside [0, 1], or a family smaller than `p`.
    """
    values, family = _checked(p, family_size)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate((family - np.arange(len(values))) * values[order])
    return _restored(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(p: Sequence[float], *, family_size: int | None = None) -> list[float]:
    """Benjamini-Hochberg adjusted p values [m], in the given order; for screening only.

    Controls the expected share of false finds, not the chance of any. `family_size` >= m counts
    comparisons that were made but are not in `p`.

    Source: Benjamini & Hochberg (1995), JRSS B 57, 289.

    Raises:
        ValueError: a p outside [0, 1], or a family smaller than `p`.
    """
    values, family = _checked(p, family_size)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * family / np.arange(1, len(values) + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _restored(np.minimum(stepped, 1.0), order)


def _checked(p: Sequence[float], family_size: int | None) -> tuple[np.ndarray, int]:
    values = np.asarray(p, dtype=float)
    outside = values[~((values >= 0.0) & (values <= 1.0))]
    if len(outside):
        raise ValueError(f"p={outside[0]} is not a probability; give p values between 0 and 1")
    family = len(values) if family_size is None else family_size
    if family < len(values):
        raise ValueError(f"family_size={family} is smaller than the {len(values)} p values in it")
    return values, family


def _restored(adjusted: np.ndarray, order: np.ndarray) -> list[float]:
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return [float(value) for value in result]

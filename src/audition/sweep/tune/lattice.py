"""Values to try around a default: the same steps from it for every arm."""

from math import inf, isfinite

from audition.errors import AuditionError


def lattice(key: str, default: object, trials: int, factor: float) -> tuple[float, ...]:
    """`trials` values a factor apart, the default among them and the odd one below it.

    Whole numbers stay whole. Raises AuditionError for a default that cannot be multiplied.
    """
    middle = _number(key, default)
    below = trials // 2
    try:
        steps = [middle * factor**step for step in range(-below, trials - below)]
    except OverflowError:
        steps = [inf]
    if not all(isfinite(value) and value > 0 for value in steps):
        raise AuditionError(
            f"tuning.trials={trials} values a tuning.factor={factor:g} apart lead out of the numbers "
            f"from {key}={middle:g}: choose fewer, or a smaller factor"
        )
    whole = isinstance(default, int)
    return tuple(dict.fromkeys(max(1, round(v)) if whole else float(f"{v:.6g}") for v in steps))


def span(key: str, default: object, factor: float) -> dict[str, object]:
    """The range of a search around the default: two steps to either side, on a log scale."""
    middle = _number(key, default)
    low, high = middle / factor**2, middle * factor**2
    if isinstance(default, int):
        return {"low": max(1, round(low)), "high": max(2, round(high)), "log": True}
    return {"low": float(f"{low:.6g}"), "high": float(f"{high:.6g}"), "log": True}


def _number(key: str, default: object) -> float:
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if not number or not default > 0:  # type: ignore[operator]
        raise AuditionError(
            f"tune={key}: it is {default!r} by default, and only a number above 0 has values a "
            "factor around it; name an hparams_search, which says what to try"
        )
    return float(default)  # type: ignore[arg-type]

"""Root-finding on an increasing function, so that a verdict need not load scipy.optimize."""

from __future__ import annotations

import math
from collections.abc import Callable


def bracket(
    function: Callable[[float], float], *, start: float, step: float
) -> tuple[float, float]:
    """Widen [start - step, start + step] until an increasing `function` changes sign inside it.

    Raises:
        ValueError: no sign change within a factor 2**60 of the first step.
    """
    low, high = start - step, start + step
    for _ in range(60):
        if function(low) <= 0.0 <= function(high):
            return low, high
        if function(low) > 0.0:
            low, high = low - 2 * (high - low), low
        else:
            low, high = high, high + 2 * (high - low)
    raise ValueError(f"no sign change found around {start}")


def find_root(function: Callable[[float], float], *, low: float, high: float) -> float:
    """The root of `function` in [low, high], to a few units in the last place.

    Source: Chandrupatla (1997), Adv. Eng. Software 28, 145: inverse quadratic steps where they are
    safe and bisection elsewhere.

    Raises:
        ValueError: the function has one sign on both ends.
    """
    a, b, f_a, f_b = high, low, function(high), function(low)
    c, f_c = a, f_a
    if f_a * f_b > 0:
        raise ValueError(f"no root between {low} and {high}")
    t = 0.5
    for _ in range(200):
        x = a + t * (b - a)
        f_x = function(x)
        if math.copysign(1.0, f_x) == math.copysign(1.0, f_a):
            c, f_c = a, f_a
        else:
            c, f_c, b, f_b = b, f_b, a, f_a
        a, f_a = x, f_x
        best, f_best = (a, f_a) if abs(f_a) < abs(f_b) else (b, f_b)
        tolerance = 2.0**-51 * abs(best) + 1e-300
        share = tolerance / abs(b - a) if b != a else 1.0
        if share > 0.5 or f_best == 0.0:
            return best
        xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
        if phi**2 < xi and (1 - phi) ** 2 < 1 - xi:
            t = f_a / (f_b - f_a) * f_c / (f_b - f_c)
            t += (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
        else:
            t = 0.5
        t = min(1 - share, max(share, t))
    return best

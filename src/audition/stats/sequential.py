"""An e-value: evidence that may be looked at after every seed without losing its meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from scipy.special import log_ndtr


def e_value(
    differences: Sequence[float],
    sd: float,
    tau: float = 1.5,
    *,
    alternative: Literal["one-sided", "two-sided"] = "one-sided",
) -> float:
    """Evidence against "no gain" from paired differences [n], baseline minus idea.

    Reject at level alpha as soon as e >= 1 / alpha, whenever one chooses to look. `sd` is the sd of
    one difference (loss units) and must be known beforehand, from a campaign's noise: with an sd
    estimated from these very seeds the guarantee is lost. `tau` is the gain, in those sds, that the
    bet is tuned for.

    Source: the normal mixture of Robbins (1970), halved to positive gains.

    Raises:
        ValueError: sd or tau not positive, a difference not finite, or an unknown alternative.
    """
    if not (sd > 0 and tau > 0):
        raise ValueError(f"sd={sd} and tau={tau} must both be positive")
    if not all(math.isfinite(difference) for difference in differences):
        raise ValueError("a difference is not finite; a diverged run is an outcome, not evidence")
    if alternative not in ("one-sided", "two-sided"):
        raise ValueError(f"alternative={alternative!r} is unknown; choose one-sided or two-sided")
    total, precision = math.fsum(differences) / sd, 1.0 + len(differences) * tau**2
    log_e = tau**2 * total**2 / (2.0 * precision) - 0.5 * math.log(precision)
    if alternative == "one-sided":
        log_e += math.log(2.0) + float(log_ndtr(tau * total / math.sqrt(precision)))
    # exp overflows above 709; by then the evidence is settled many times over.
    return math.exp(min(log_e, 709.0))

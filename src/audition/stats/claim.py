"""A claim of efficiency, "the same loss for at most 1/k of a cost", as one test of two halves.

H0: the loss is worse by δ or more, *or* the cost is above 1/k of the baseline's. Both must fall, each
at its full one-sided level, so p is the larger of the two and needs no adjustment: an
intersection-union test, Berger & Hsu (1996), Stat. Sci. 11, 283.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from audition.stats.comparison import Interval, json_ready
from audition.stats.power import fewest
from audition.stats.saving import ALPHA, LOST, UNKNOWN, Estimate

Word = Literal["supported", "traded", "refuted", "inconclusive", "invalid"]
FACTORS = (2.0, 3.0, 5.0, 10.0)
"""Factors that are asked one after the other, until one fails; no error is spent on the next."""
POWER = 0.8
LACKING = "lacking"
"""In the place of a control's word, where there was none."""
EDGE = 1e-9
"""Rounding in a cost that is counted: half of the tokens are a factor of 2."""


@dataclass(frozen=True)
class Claimed:
    """What the runs say of a claim about one arm and one cost.

    `gain` is of the loss, positive = the idea is better [loss units]; `less` the logarithm of how many
    times less it costs. Nothing is adjusted but `p_adjusted`, which makes a claim `supported`.

    Examples:
        Half of the tokens, and a loss that is the same within .001 or so:

        >>> found = Claimed("muon", "tokens", 2.0, 0.01, Estimate(0.002, 0.001, 4.0, 5),
        ...     Estimate(math.log(2.0), 0.0, math.inf, 5))
        >>> found.word, round(found.score, 3), found.at_least
        ('supported', 2.0, 2.0)
    """

    arm: str
    cost: str
    k: float
    delta: float  # the largest loss that does not count [loss units]
    gain: Estimate = UNKNOWN
    less: Estimate = UNKNOWN
    method: str = ""  # how the cost was come by: measured, exact, modelled, simulated
    alpha: float = ALPHA
    ladder: str = ""  # arms of one name and cost are its rungs, asked from the mildest on
    control: str = ""  # of a smaller plain model trained for longer: its word, or LACKING
    is_control: bool = False  # whether the arm is that smaller model itself
    fault: str = ""  # why nothing can be said
    p_of_family: float | None = None
    family_size: int = 1

    @property
    def factor(self) -> float:
        """k̂: how many times less, the geometric mean over seeds."""
        return math.exp(self.less.value)

    @property
    def factor_ci(self) -> Interval:
        """k_L and the upper end, each wrong with chance `alpha`."""
        low, high = self.less.interval(self.alpha)
        return math.exp(low), math.exp(high)

    @property
    def p_loss(self) -> float:
        """One-sided p of "worse by δ or more"."""
        return self.gain.p_above(-self.delta) if self.delta > 0 else 1.0

    def p_cost(self, k: float | None = None) -> float:
        """One-sided p of "not `k` times less", by default the k that was claimed."""
        return self.less.p_above(math.log(self.k if k is None else k) - EDGE)

    @property
    def p(self) -> float:
        """Of the whole claim: the larger of the two."""
        return 1.0 if self.fault else max(self.p_loss, self.p_cost())

    @property
    def p_adjusted(self) -> float:
        """The same in its family."""
        return self.p if self.p_of_family is None else self.p_of_family

    @property
    def as_good(self) -> bool:
        """Whether the loss is non-inferior: not worse by δ."""
        return not self.fault and self.p_loss <= self.alpha

    @property
    def same(self) -> bool:
        """Whether the weights are the baseline's to the bit, so that no smaller model stands in."""
        return self.gain.error == 0.0 and self.gain.value == 0.0

    @property
    def worse(self) -> bool:
        """Whether the loss is certainly worse, by more than δ."""
        return self.gain.interval(self.alpha)[1] < -self.delta

    @property
    def decided(self) -> bool:
        """Whether the cost, which has no error, is more than was claimed, whatever the loss is."""
        return not self.fault and self.less.error == 0.0 and self.p_cost() > self.alpha

    @property
    def cheaper(self) -> bool:
        """Whether it certainly costs less at all."""
        return self.factor_ci[0] > 1.0 + EDGE

    @property
    def dearer(self) -> bool:
        """Whether it certainly costs more."""
        return self.factor_ci[1] < 1.0 - EDGE

    @property
    def dominates(self) -> bool:
        """Whether the arm beats the baseline on the frontier: the claim with k = 1."""
        return self.as_good and self.cheaper

    @property
    def word(self) -> Word:
        """The answer; `traded` is cheaper and certainly worse."""
        if self.fault:
            return "invalid"
        if self.p_adjusted <= self.alpha:
            return "supported"
        if self.worse and self.cheaper and math.isfinite(self.gain.value):
            return "traded"
        if self.worse or self.factor_ci[1] < self.k * (1.0 - EDGE):
            return "refuted"
        return "inconclusive"

    @property
    def score(self) -> float | None:
        """Efficiency score: k_L where the loss is non-inferior; None where it is not, or unknown."""
        low = self.factor_ci[0]
        return low if self.as_good and low == low else None

    @property
    def at_least(self) -> float | None:
        """The largest of 2, 3, 5, 10 that holds, each after the one before; None where 2 does not."""
        held = None
        for factor in FACTORS if self.as_good else ():
            if self.p_cost(factor) > self.alpha:
                break
            held = factor
        return held

    @property
    def per_halving(self) -> float | None:
        """Loss for each halving of the cost, of a claim that is `traded` [loss units]."""
        return -self.gain.value * math.log(2.0) / self.less.value if self.word == "traded" else None

    @cached_property
    def seeds_needed(self) -> int | None:
        """Seeds an arm that support the claim with power .8, where the losses are equal in truth and
        the factor is as seen; None where no number does, or one seed leaves the noise unknown."""
        ahead = self.less.value - math.log(self.k) + EDGE

        def enough(n: int) -> bool:
            of_loss = self.gain.power(self.delta, n, self.alpha)
            return of_loss * self.less.power(ahead, n, self.alpha) >= POWER

        return fewest(enough, 10_000)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the word is what it is: of the loss, of the cost, and what would settle it."""
        if self.fault:
            return (self.fault,)
        said = [self._of_loss(), self._of_cost()]
        if self.per_halving is not None:
            said.append(f"that is {self.per_halving:.3g} of loss for each halving of the cost")
        if self.word == "inconclusive":
            said.append(self._settles())
        if self.word == "supported" and self.control == "supported":
            said.append("and so does a smaller plain model that was trained for longer")
        elif self.word == "supported" and self.control:
            said.append(
                "the control is lacking: a smaller plain model, trained for longer at as many "
                "operations"
                if self.control == LACKING
                else f"a smaller plain model that was trained for longer does not ({self.control})"
            )
        return tuple(said)

    def _of_loss(self) -> str:
        if self.gain == LOST:
            return "the idea diverged where the baseline trained"
        if self.same:
            return "the weights are the same to the last bit"
        low, high = self.gain.interval(self.alpha)
        if not low <= high:
            return "the loss has no interval on so few seeds"
        told = f"gain {self.gain.value:+.3g}, interval {low:+.3g} to {high:+.3g}"
        if self.as_good:
            return f"not worse by δ = {self.delta:.3g} ({told})"
        if self.worse:
            return f"worse by more than δ = {self.delta:.3g} ({told})"
        return f"whether it is worse by δ = {self.delta:.3g} is open ({told})"

    def _of_cost(self) -> str:
        low, high = self.factor_ci
        told = f"{self.factor:.3g} times less"
        if self.less.error != 0.0:
            told += f" ({low:.3g} to {high:.3g})" if low <= high else " on too few seeds to tell"
        if self.p_cost() <= self.alpha:
            return f"{told}, so at least {self.k:g} times"
        if high < self.k * (1.0 - EDGE):
            return f"{told}, so not {self.k:g} times"
        return f"{told}; whether {self.k:g} times is open"

    def _settles(self) -> str:
        if self.p <= self.alpha:
            return f"alone it holds, but not as one of {self.family_size}"
        if not (self.gain.n > 1 and self.less.n > 0):
            return "run two more seeds or more"
        if self.seeds_needed is None:
            return "no number of seeds supports it at such a cost"
        if self.seeds_needed <= self.gain.n:
            return "a few fresh seeds would settle it"
        return f"about {self.seeds_needed} seeds would settle it, if the losses are equal in truth"

    def to_dict(self) -> dict[str, Any]:
        """The answer and what it rests on, as JSON can hold it; NaN and infinity as null."""
        low, high = self.factor_ci
        plain: dict[str, Any] = json_ready(
            {
                "arm": self.arm,
                "cost": self.cost,
                "method": self.method,
                "k": self.k,
                "delta": self.delta,
                "alpha": self.alpha,
                "word": self.word,
                "reasons": self.reasons,
                "factor": self.factor,
                "factor_low": low,
                "factor_high": high,
                "score": self.score,
                "at_least": self.at_least,
                "dominates": self.dominates,
                "improvement": self.gain.value,
                "ci": self.gain.interval(self.alpha),
                "n": self.gain.n,
                "p_loss": self.p_loss,
                "p_cost": self.p_cost(),
                "p": self.p,
                "p_adjusted": self.p_adjusted,
                "family_size": self.family_size,
                "per_halving": self.per_halving,
                "seeds_needed": self.seeds_needed if self.word == "inconclusive" else None,
                "ladder": self.ladder,
                "control": self.control,
                "is_control": self.is_control,
            }
        )
        return plain

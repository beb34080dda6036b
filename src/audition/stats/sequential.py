"""Decisions before all seeds are run: racing, and evidence that may be looked at after every seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.special import log_ndtr

from audition.stats.arms import Arm, Losses, Seed, read_arm
from audition.stats.compare import compare_campaign
from audition.stats.comparison import Comparison
from audition.stats.distributions import Sides
from audition.stats.moments import mean
from audition.stats.noise import NoiseModel, estimate_noise


@dataclass(frozen=True)
class RaceRules:
    """When an idea leaves the race; thresholds on its mean paired gain, in sds of a difference.

    With 30 ideas and rho = .4 these defaults spend 3.2 runs an idea instead of 8.
    """

    screening_seeds: tuple[Seed, ...] = (42, 137, 256)
    drop_below_first: float = 0.0
    drop_below_all: float = 0.58
    fresh_seeds: int = 5


@dataclass(frozen=True)
class RaceStep:
    """What to do next with one idea; mean gain and threshold in loss units, NaN before a run."""

    action: Literal["run", "drop", "promote"]
    next_seeds: tuple[Seed, ...]
    mean_gain: float
    threshold: float
    reason: str


def race_step(
    differences: Sequence[float], *, sd_difference: float, rules: RaceRules | None = None
) -> RaceStep:
    """The next step after these paired gains [runs so far], in the order of the screening seeds.

    `sd_difference` (loss units) is the campaign's, never this idea's own: three seeds of an idea
    cannot say how noisy it is. A gain that is not finite is a diverged run and ends the race.

    Raises:
        ValueError: sd_difference not positive, or more gains than screening seeds.
    """
    rules = RaceRules() if rules is None else rules
    done, seeds = len(differences), rules.screening_seeds
    if not (sd_difference > 0 and math.isfinite(sd_difference)):
        raise ValueError(f"sd_difference={sd_difference} must be a positive number of loss units")
    if done > len(seeds):
        raise ValueError(f"{done} gains for {len(seeds)} screening seeds; give one gain a seed")
    if not done:
        return RaceStep("run", seeds[:1], math.nan, math.nan, "The race opens with one seed.")
    gain = mean(differences)
    bar = rules.drop_below_all if done == len(seeds) else rules.drop_below_first
    threshold = bar * sd_difference
    if not all(math.isfinite(difference) for difference in differences):
        return RaceStep("drop", (), math.nan, threshold, "A run diverged: the idea is unstable.")
    seen = f"mean gain {gain:+.4g} over {done} seed{'s' if done > 1 else ''}"
    if gain < threshold:
        return RaceStep("drop", (), gain, threshold, f"Dropped: {seen} is under {threshold:.4g}.")
    if done < len(seeds):
        return RaceStep("run", seeds[done:], gain, threshold, f"Still in the race: {seen}.")
    reason = f"Promoted to {rules.fresh_seeds} fresh seeds: {seen} is at least {threshold:.4g}."
    return RaceStep("promote", (), gain, threshold, reason)


def race_spread(
    baseline: Mapping[Seed, float | None], ideas: Mapping[str, Mapping[Seed, float | None]]
) -> float:
    """sd of a same-seed difference (loss units) of a race so far, which its thresholds are in.

    `ideas` have the losses of the seeds that they have run. Before any has two, it is the baseline's
    sd times the root of two.

    Raises:
        ValueError: where neither the ideas nor the baseline have two losses.
    """
    enough = {name: own for name, own in ideas.items() if len(own) >= 2}
    if not enough:
        return read_arm(baseline).sd * math.sqrt(2.0)
    return estimate_noise({"the baseline": baseline, **enough}).sd_difference


def judge_finalists(
    baseline: Losses | Arm,
    finalists: Mapping[str, Losses | Arm],
    *,
    noise: NoiseModel | None = None,
    sesoi: float | None = None,
    alpha: float = 0.05,
    sides: Sides = "two",
) -> list[Comparison]:
    """Judge the promoted ideas on their fresh seeds alone: adjusted for the finalists.

    The family is the finalists: the fresh seeds know nothing of how they were chosen. Passing the
    screening seeds in as well would undo exactly that.

    Raises:
        ValueError: no finalist, and whatever `compare_campaign` raises.
    """
    return compare_campaign(
        baseline,
        finalists,
        noise=noise,
        sesoi=sesoi,
        alpha=alpha,
        sides=sides,
        tier="confirmed",
    )


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

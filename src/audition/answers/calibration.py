"""How often the rules pass an idea that does nothing, given the ledger's noise."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from audition.answers import ArmRuns, Judgement, judge_baseline
from audition.answers.baselines import noise_of, rivals_of
from audition.measure import Measure
from audition.stats import NoiseModel
from audition.stats.calculus import Array
from audition.stats.calibration import (
    Rate,
    Replay,
    replay_splits,
    simulate_null,
    simulate_null_campaign,
)
from audition.stats.comparison import json_ready
from audition.stats.distributions import Sides, side_of
from audition.stats.proportion import overlapping_interval

PLACEBO = "placebo"
MOST_LOSSES = 20_000_000
"""The most losses that are simulated for a family; wider campaigns are simulated fewer times."""


@dataclass(frozen=True)
class Calibrated:
    """One kind of null idea, and how often each rule passed it."""

    label: str
    replay: Replay


@dataclass(frozen=True)
class Calibration:
    """Every kind of null idea, the noise they rest on, and what could not be tried, with the reason."""

    baseline_hash: str
    baseline_seeds: int
    noise: NoiseModel
    alpha: float
    sides: Sides
    sesoi: float | None
    metric: str
    measure: Measure
    lines: tuple[Calibrated, ...]
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        noise = self.noise
        return {
            "baseline_hash": self.baseline_hash,
            "baseline_seeds": self.baseline_seeds,
            "alpha": self.alpha,
            "sides": self.sides,
            "sesoi": self.sesoi,
            "metric": self.metric,
            "noise": json_ready({"sd": noise.sd, "df": noise.df, "rho": noise.rho}),
            "lines": [{"label": line.label, **json_ready(line.replay)} for line in self.lines],
            "missing": list(self.missing),
        }


def calibrate(
    arms: Mapping[str, ArmRuns],
    baseline: ArmRuns,
    *,
    simulations: int = 20_000,
    seed: int = 0,
    sesoi: float | None = None,
    alpha: float = 0.05,
    sides: Sides = "two",
) -> Calibration:
    """Replay the rules on simulated nulls, on the baseline's own seeds, and on every placebo.

    Simulations take the campaign's sd and correlation, the seeds its ideas usually have, and as
    many ideas as were compared with the baseline.

    Raises ValueError for what the statistics refuse, AuditionError where the ledger has no noise.
    """
    sesoi = baseline.measure.worth if sesoi is None else sesoi
    noise = noise_of(arms, baseline)
    rivals = rivals_of(arms, baseline)
    n, nb = usual_seeds(rivals, baseline), len(baseline.losses)
    rho = 0.0 if math.isnan(noise.rho) else min(max(noise.rho, 0.0), 0.99)
    rng = np.random.default_rng(seed)
    null: dict[str, Any] = {
        "sd": noise.sd,
        "sesoi": sesoi,
        "alpha": alpha,
        "sides": sides,
        "rng": rng,
    }
    shared = simulate_null("paired", n, rho=rho, trials=simulations, **null)
    apart = simulate_null("welch", n, trials=simulations, **null)
    lines = [
        Calibrated(f"simulated: one idea, {n} shared seeds, paired", shared),
        Calibrated(f"simulated: one idea, {n} against {n} other seeds, Welch", apart),
    ]
    if nb >= n + 2:
        extra = simulate_null("mixed", n, n_baseline=nb, rho=rho, trials=simulations, **null)
        lines.append(Calibrated(f"simulated: one idea, {n} against {nb} seeds, mixed", extra))
    if len(rivals) > 1:
        trials = max(1, min(simulations, MOST_LOSSES // (n * (len(rivals) + 1))))
        theirs = nb if nb >= n + 2 else n
        campaign = simulate_null_campaign(
            len(rivals), n, n_baseline=theirs, rho=rho, trials=trials, **null
        )
        label = f"simulated: any of {len(rivals):,} ideas, {campaign.design} with Dunnett"
        lines.append(Calibrated(label, campaign))
    missing: list[str] = []
    pools = own_pools(arms, baseline)
    half = min(n, max(map(len, pools), default=0) // 2)
    if half < 2:
        missing.append(
            f"own seeds: splitting them needs four of one baseline, and it has {nb}; "
            "baseline_seeds=8 in a sweep runs more"
        )
    else:
        splits = replay_splits(pools, half, sesoi=sesoi, alpha=alpha, sides=sides, rng=rng)
        lines.append(
            Calibrated(f"own seeds: the baseline against itself, {half} and {half}", splits)
        )
    judged = placebo_judgements(arms, sesoi=sesoi, alpha=alpha, sides=sides)
    if judged:
        lines.append(
            Calibrated(
                "placebo: its verdicts in this ledger", placebo(judged, side_of(alpha, sides))
            )
        )
    else:
        missing.append("placebo: no verdict on it in this ledger; +idea=placebo adds one")
    return Calibration(
        baseline.config_hash,
        nb,
        noise,
        alpha,
        sides,
        sesoi,
        baseline.metric,
        baseline.measure,
        tuple(lines),
        tuple(missing),
    )


def usual_seeds(rivals: Sequence[ArmRuns], baseline: ArmRuns) -> int:
    """The number of seeds that most ideas have, or else the baseline; at least two."""
    seen = Counter(len(arm.losses) for arm in rivals if len(arm.losses) > 1)
    return seen.most_common(1)[0][0] if seen else max(2, len(baseline.losses))


def own_pools(arms: Mapping[str, ArmRuns], baseline: ArmRuns) -> list[Array]:
    """Losses of the baseline and of the ledger's other baselines, none of them on a seed twice.

    The same seeds under another configuration are correlated and would count twice.
    """
    others = [a for a in arms.values() if a.config_hash == a.baseline_hash and a is not baseline]
    taken: set[object] = set()
    pools = []
    for arm in (baseline, *sorted(others, key=lambda a: (-len(a.losses), a.config_hash))):
        finite = arm.finite
        if not taken & finite.keys():
            taken |= finite.keys()
            pools.append(np.array(list(finite.values()), dtype=float))
    return pools


def placebo_judgements(
    arms: Mapping[str, ArmRuns],
    *,
    sesoi: float | None = None,
    alpha: float = 0.05,
    sides: Sides = "two",
) -> list[Judgement]:
    """Every verdict in the ledger on an arm that differs from its baseline by a placebo alone.

    Each is judged by the metric of its own task; `sesoi` is in the unit of the metric of `arms`.
    """
    found = [arm for arm in arms.values() if is_placebo(arm)]
    judged: list[Judgement] = []
    for key in dict.fromkeys(arm.baseline_hash for arm in found):
        if key in arms and arms[key].seeds:
            same = arms[key].metric if arms[key].losses else None
            worth = sesoi if same else None
            judged += judge_baseline(arms, key, metric=same, sesoi=worth, alpha=alpha, sides=sides)
    return [
        j
        for j in judged
        if is_placebo(j.arm) and j.comparison.n > 1 and j.comparison.verdict != "invalid"
    ]


def is_placebo(arm: ArmRuns) -> bool:
    """Whether the placebo, at any dose, is all that sets the arm apart from its baseline."""
    idea, *settings = arm.name.split(",")
    return idea == PLACEBO and all(setting.startswith("dose=") for setting in settings)


def placebo(judged: Sequence[Judgement], alpha: float) -> Replay:
    """The placebo's history as a replay.

    Verdicts on one baseline share its noise, so the interval counts baselines and not verdicts.
    """
    groups = Counter(j.baseline.config_hash for j in judged)
    # Kish's effective sample size: k verdicts on one baseline count as one.
    independent = len(judged) ** 2 / sum(size**2 for size in groups.values())
    comparisons = [j.comparison for j in judged]
    rules = [c.seed_rule for c in comparisons if c.seed_rule is not None]
    nominal = fmean(rule.false_pass_rate for rule in rules) if rules else math.nan
    shares = (
        ("significant", fmean(c.is_better for c in comparisons), alpha, True),
        ("supported", fmean(c.verdict == "supported" for c in comparisons), alpha, True),
        ("passed", fmean(bool(r.passed) for r in rules) if rules else 0.0, nominal, False),
    )
    return Replay(
        design="campaign",
        n=min(c.n for c in comparisons),
        n_baseline=min(c.n_baseline for c in comparisons),
        rho=math.nan,
        family_size=1,
        trials=len(judged),
        independent=independent,
        every=False,
        rates=tuple(
            Rate(decision, share, overlapping_interval(share, independent), chance, at_most)  # type: ignore[arg-type]
            for decision, share, chance, at_most in shares
        ),
    )

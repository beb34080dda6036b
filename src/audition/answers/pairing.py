"""What a pair of same-seed runs is worth: noise, correlation, and seconds to a verdict of every arm.

An interval's width goes with the sd of the same-seed difference over root n. So a way of computing runs
that leaves a share q of that variance needs a share q of the seeds, and is worth 1 / q in time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from audition.answers.arms import ArmRuns, unlike
from audition.answers.baselines import rivals_of
from audition.answers.provenance import mapping_in
from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.store import Ledger
from audition.stats import NoiseModel, estimate_noise, seeds_needed
from audition.stats.comparison import json_ready
from audition.stats.distributions import Sides, t_quantile
from audition.stats.t_tests import paired_t
from audition.stats.variances import variance_ratio

FEWEST = 3
"""Shared seeds below which no correlation is told."""
PRECISIONS = {"Float32": "fp32", "Bfloat16": "bf16"}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One arm beside its baseline on the seeds that both ran; losses in the metric's unit."""

    arm: str
    baseline_hash: str
    precision: str
    n: int
    gain: float
    gain_ci: tuple[float, float]
    sd: float  # of one run over seeds, of both arms pooled
    rho: float  # correlation of one seed's two losses
    rho_ci: tuple[float, float]
    sd_difference: float
    seconds: float  # of one run, the mean of both arms
    seeds: int | None  # an arm, until a true gain of the table's `gain` is shown
    seconds_to_verdict: float  # of one worker, for both arms


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One arm in two precisions: seeds and time of the first, of those of the second."""

    arm: str
    n: int
    variance: float  # of same-seed differences, ratio
    variance_ci: tuple[float, float]
    seconds: float  # of a run, ratio


@dataclass(frozen=True, kw_only=True)
class PairTable:
    """Every arm in every precision, and what the precisions are worth beside each other."""

    metric: str
    measure: Measure
    gain: float
    power: float
    alpha: float
    sides: Sides
    first: str  # precision of the ratios' numerators
    second: str
    pairs: tuple[Pair, ...]
    contrasts: tuple[Contrast, ...]
    variance: float  # geometric mean of the contrasts
    variance_ci: tuple[float, float]  # from the spread between the arms
    seconds: float

    @property
    def cost(self) -> tuple[float, tuple[float, float]]:
        """Seconds to a verdict of the first precision over the second's, with its interval."""
        low, high = self.variance_ci
        return self.variance * self.seconds, (low * self.seconds, high * self.seconds)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        cost, interval = self.cost
        more: dict[str, Any] = json_ready({"cost": cost, "cost_ci": interval})
        return {**json_ready(self), **more}


def pair_table(
    ledger: Ledger,
    arms: Mapping[str, ArmRuns],
    *,
    gain: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    sides: Sides = "two",
) -> PairTable:
    """Every arm of every baseline that shares FEWEST seeds with it.

    gain: true gain that is to be shown, in the metric's unit; one pooled seed sd by default.
    Raises AuditionError where there is no such arm, or runs of more than one metric or device.
    """
    baselines = [a for a in arms.values() if a.seeds and rivals_of(arms, a)]
    noises = {
        (b.config_hash, a.config_hash): noise
        for b in baselines
        for a in rivals_of(arms, b)
        if not unlike(a, b) and (noise := _noise(b, a)) is not None
    }
    found = [(arms[b], arms[a]) for b, a in noises]
    if not found:
        raise AuditionError(
            f"no arm in {ledger.root} shares {FEWEST} finished seeds with its baseline: "
            "python -m src.train +sweeps=noise -m trains eight"
        )
    metrics = {baseline.metric for baseline, _ in found}
    if len(metrics) > 1:
        raise AuditionError(f"these arms have several metrics ({', '.join(metrics)}): add --metric")
    worth = gain or math.sqrt(fmean(noise.sd**2 for noise in noises.values()))
    pairs: list[Pair] = []
    differences: dict[tuple[str, str], dict[Any, float]] = {}
    for baseline, arm in found:
        noise, seeds = noises[baseline.config_hash, arm.config_hash], _shared(baseline, arm)
        test = paired_t(*({s: each.finite[s] for s in seeds} for each in (baseline, arm)))
        each = baseline.mean("seconds") + arm.mean("seconds")
        needed = seeds_needed(worth, noise, alpha, power, sides=sides)
        precision = precision_of(ledger, baseline)
        differences[arm.name, precision] = {s: baseline.finite[s] - arm.finite[s] for s in seeds}
        pairs.append(
            Pair(
                arm=arm.name,
                baseline_hash=baseline.config_hash,
                precision=precision,
                n=len(seeds),
                gain=test.estimate,
                gain_ci=test.ci(),
                sd=noise.sd,
                rho=noise.rho,
                rho_ci=noise.rho_interval,
                sd_difference=noise.sd_difference,
                seconds=each / 2.0,
                seeds=needed,
                seconds_to_verdict=needed * each if needed else math.nan,
            )
        )
    first, second = "fp32", "bf16"
    by_kind = {(pair.arm, pair.precision): pair for pair in pairs}
    contrasts = [
        _contrast(name, by_kind, differences, first, second)
        for name in dict.fromkeys(pair.arm for pair in pairs)
        if {(name, first), (name, second)} <= by_kind.keys()
        and len(differences[name, first].keys() & differences[name, second].keys()) >= FEWEST
    ]
    variance, interval = _geometric([each.variance for each in contrasts])
    how = found[0][0]
    return PairTable(
        metric=how.metric,
        measure=how.measure,
        gain=worth,
        power=power,
        alpha=alpha,
        sides=sides,
        first=first,
        second=second,
        pairs=tuple(pairs),
        contrasts=tuple(contrasts),
        variance=variance,
        variance_ci=interval,
        seconds=_geometric([each.seconds for each in contrasts])[0],
    )


def precision_of(ledger: Ledger, arm: ArmRuns) -> str:
    """`fp32` or `bf16`, as the config.yaml of the arm's newest run has it; the class of another."""
    newest = max(arm.records, key=lambda record: record.started)
    node = mapping_in(ledger.folder_of(newest) / "config.yaml").get("precision")
    target = str(node.get("_target_")) if isinstance(node, Mapping) else "unknown"
    name = target.rpartition(".")[2]
    return PRECISIONS.get(name, name)


def _noise(baseline: ArmRuns, arm: ArmRuns) -> NoiseModel | None:
    """The noise of the two, seed by seed; None where they share too few seeds, or do not vary."""
    seeds = _shared(baseline, arm)
    if len(seeds) < FEWEST:
        return None
    sides = {name: {s: a.finite[s] for s in seeds} for name, a in (("b", baseline), ("a", arm))}
    noise = estimate_noise(sides, method="own")
    return noise if noise.paired and noise.sd_difference > 0 else None


def _shared(baseline: ArmRuns, arm: ArmRuns) -> list[Any]:
    return [seed for seed in baseline.finite if seed in arm.finite]


def _contrast(
    name: str,
    pairs: Mapping[tuple[str, str], Pair],
    differences: Mapping[tuple[str, str], Mapping[Any, float]],
    first: str,
    second: str,
) -> Contrast:
    one, two = differences[name, first], differences[name, second]
    seeds = [seed for seed in one if seed in two]
    ratio, interval = variance_ratio([one[s] for s in seeds], [two[s] for s in seeds])
    return Contrast(
        arm=name,
        n=len(seeds),
        variance=ratio,
        variance_ci=interval,
        seconds=_ratio(pairs[name, first].seconds, pairs[name, second].seconds),
    )


def _ratio(first: float, second: float) -> float:
    return first / second if min(first, second) > 0 else math.nan


def _geometric(ratios: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """Geometric mean, with the 95 % t interval of the logarithms; unknown under two ratios."""
    logs = [math.log(ratio) for ratio in ratios if ratio > 0]
    if not logs:
        return math.nan, (math.nan, math.nan)
    if len(logs) < 2:
        return math.exp(logs[0]), (0.0, math.inf)
    half = t_quantile(0.975, len(logs) - 1) * stdev(logs) / math.sqrt(len(logs))
    centre = fmean(logs)
    return math.exp(centre), (math.exp(centre - half), math.exp(centre + half))

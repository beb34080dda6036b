"""The noise model: how much a loss moves when nothing but the seed changes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from scipy.special import fdtri

from audition.stats.arms import Arm, Losses, Seed, paired_differences, read_arm, shared_seeds
from audition.stats.calculus import Array
from audition.stats.moments import is_rounding, pooled_sd, sd
from audition.stats.variances import VariancePrior, fit_variance_prior, outlier_arms

Method = Literal["own", "pooled", "block", "moderated"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class NoiseModel:
    """Seed noise of a campaign.

    `sd` is the seed sd of one arm, in loss units; `df` the degrees of freedom of the error that
    tests use; `rho` the correlation of one seed's losses in different arms (the intraclass one, so
    that sd^2 (1 - rho) is exactly the residual variance of the block), with its 95 % interval.
    `paired` says whether comparisons are made seed by seed. `choice` says in words what was chosen.
    """

    sd: float
    df: float
    method: Method = "pooled"
    rho: float = math.nan
    rho_interval: tuple[float, float] = (math.nan, math.nan)
    paired: bool = False
    prior: VariancePrior | None = None
    arm_sds: Mapping[str, float] = field(default_factory=dict, hash=False)
    outlier_arms: tuple[str, ...] = ()
    seeds: tuple[Seed, ...] = ()
    choice: str = "given"

    @property
    def peers(self) -> int:
        """Ideas whose noise is estimated together; 1 for noise that was given without its arms."""
        return 1 if self.method == "own" else max(1, len(self.arm_sds) - 1)

    @property
    def d0(self) -> float:
        """Prior degrees of freedom of a moderated model; NaN for the others."""
        return math.nan if self.prior is None else self.prior.d0

    @property
    def s0(self) -> float:
        """Prior sd of a same-seed difference (loss units); NaN unless moderated."""
        return math.nan if self.prior is None else math.sqrt(self.prior.s0_squared)

    @property
    def sd_difference(self) -> float:
        """sd of a difference of two losses (loss units): of one seed if paired, else of any two."""
        if self.prior is not None:
            return self.s0
        shared = self.rho if self.paired and not math.isnan(self.rho) else 0.0
        return self.sd * math.sqrt(2.0 * (1.0 - shared))

    def standard_error(self, n: int, n_baseline: int | None = None) -> float:
        """Standard error of an improvement (loss units) with `n` idea seeds.

        Extra baseline seeds help only where the comparison is not made seed by seed.
        """
        if self.paired or n_baseline is None:
            return self.sd_difference / math.sqrt(n)
        return self.sd * math.sqrt(1.0 / n + 1.0 / n_baseline)

    def df_at(self, n: int, n_baseline: int | None = None) -> float:
        """Degrees of freedom of a comparison with `n` seeds.

        Borrowed noise keeps the df it was estimated with; own noise brings what its seeds bring.
        """
        if self.method != "own":
            return self.df
        return n - 1 if self.paired else n + (n_baseline or n) - 2


@dataclass(frozen=True)
class Block:
    """Fits of loss = arm + seed + residual to tables [..., arms, seeds], by their mean squares."""

    ms_seed: Array
    ms_residual: Array
    arms: int
    seeds: int

    @property
    def df(self) -> int:
        """Degrees of freedom of the residual."""
        return (self.arms - 1) * (self.seeds - 1)

    @property
    def sd(self) -> Array:
        """Seed sd of one arm [...], in loss units."""
        return np.asarray(np.sqrt((self.ms_seed + (self.arms - 1) * self.ms_residual) / self.arms))


def fit_block(losses: Array) -> Block:
    """The block of complete tables of losses [..., arms, seeds], with two or more of both.

    Source: randomized complete block, e.g. Montgomery, Design and Analysis of Experiments, ch. 4.
    """
    arms, seeds = losses.shape[-2:]
    # Centring first keeps the digits that a large common offset would cost.
    centred = losses - losses.mean(axis=(-2, -1), keepdims=True)
    by_arm, by_seed = centred.mean(axis=-1), centred.mean(axis=-2)
    residual = centred - by_arm[..., :, None] - by_seed[..., None, :]
    ms_residual = (residual**2).sum(axis=(-2, -1)) / ((arms - 1) * (seeds - 1))
    return Block(arms * (by_seed**2).sum(axis=-1) / (seeds - 1), ms_residual, arms, seeds)


def estimate_noise(
    arms: Mapping[str, Losses | Arm], *, method: Method | Literal["auto"] = "auto"
) -> NoiseModel:
    """Seed noise from arms (name -> seed -> loss), the baseline first.

    - own: from the first two arms alone, seed by seed where they share seeds.
    - pooled: the mean variance within arms; comparisons are unpaired.
    - block: the residual of arm + seed over the seeds that complete arms share.
    - moderated: each idea's own variance of differences, drawn to the campaign's (limma).
    - auto: block for three arms on the same seeds, moderated if one of them is an outlier; own for
      two arms that share seeds; pooled for the rest.

    Diverged arms, arms under two seeds and copies of the baseline carry no noise and are left out.

    Raises:
        ValueError: fewer than two arms, an unknown method, or arms that the method cannot use.
    """
    if method != "auto" and method not in METHODS:
        raise ValueError(f"method={method!r} is unknown; choose auto, {', '.join(METHODS)}")
    if len(arms) < 2:
        raise ValueError(f"fewer than two arms ({', '.join(arms) or 'none'}); noise needs two")
    usable = usable_arms({name: read_arm(losses, name=name) for name, losses in arms.items()})
    sds = {name: arm.sd for name, arm in usable.items()}
    outliers = outlier_arms(usable)
    complete, seeds = _complete_block(usable)
    chosen, why = _choose(method, usable, complete, seeds, outliers)
    if chosen in ("block", "moderated") and (len(complete) < 2 or len(seeds) < 2):
        raise ValueError(f"method={chosen!r} needs arms that share two seeds; choose pooled or own")
    if chosen == "moderated" and len(complete) < 3:
        raise ValueError("method='moderated' needs two ideas or more; choose block or own")
    if chosen == "own":
        usable = dict(list(usable.items())[:2])
    df = float(sum(arm.n - 1 for arm in usable.values()))
    spread = float(pooled_sd(*(arm.moments for arm in usable.values())))
    paired = chosen in ("block", "moderated") or (chosen == "own" and len(seeds) >= 2)
    prior, rho, interval = None, math.nan, (math.nan, math.nan)
    if len(complete) >= 2 and len(seeds) >= 2:
        rows = [arm.restricted_to(seeds).losses for arm in complete.values()]
        block = fit_block(np.array(rows, dtype=float))
        rho, interval = _intraclass(block)
        if paired:
            # The block's own arms and seeds: only then is sd^2 (1 - rho) its residual variance.
            spread, df = float(block.sd), float(block.df)
    if chosen == "moderated":
        prior = _difference_prior(complete, seeds)
        df = prior.shrink_variance(prior.s0_squared, len(seeds) - 1)[1]
    return NoiseModel(
        sd=spread,
        df=df,
        method=chosen,
        rho=rho,
        rho_interval=interval,
        paired=paired,
        prior=prior,
        arm_sds=sds,
        outlier_arms=outliers,
        seeds=seeds,
        choice=why,
    )


def usable_arms(arms: Mapping[str, Arm]) -> dict[str, Arm]:
    """Arms that carry noise; a copy of the baseline would only make it look smaller."""
    baseline = next(iter(arms.values()))
    kept = {}
    for name, arm in arms.items():
        if arm.diverged or not arm.varies:
            continue
        if arm is not baseline and not baseline.diverged:
            seeds = shared_seeds(baseline, arm)
            apart = sd(paired_differences(baseline, arm)) if len(seeds) > 1 else math.inf
            if is_rounding(apart, losses=arm.losses + baseline.losses):
                continue
        kept[name] = arm
    return kept


def _complete_block(arms: Mapping[str, Arm]) -> tuple[dict[str, Arm], tuple[Seed, ...]]:
    """Arms that ran every seed most arms ran, and those seeds in the first arm's order.

    One crashed run must cost its own arm, not a seed of every other arm.
    """
    if not arms:
        return {}, ()
    first = next(iter(arms.values()))
    common = [
        seed
        for seed in first.by_seed
        if 2 * sum(seed in arm.by_seed for arm in arms.values()) > len(arms)
    ]
    complete = {
        name: arm for name, arm in arms.items() if all(seed in arm.by_seed for seed in common)
    }
    return complete, tuple(common)


def _choose(
    method: Method | Literal["auto"],
    usable: Mapping[str, Arm],
    complete: Mapping[str, Arm],
    seeds: tuple[Seed, ...],
    outliers: tuple[str, ...],
) -> tuple[Method, str]:
    if method != "auto":
        return method, f"{method}: asked for"
    if len(complete) >= 3 and len(seeds) >= 2:
        where = f"{len(complete)} arms ran the same {len(seeds)} seeds"
        if outliers:
            return (
                "moderated",
                f"moderated: {where}, and {', '.join(outliers)} stands out by its spread",
            )
        return "block", f"block: {where} and their spreads agree"
    if len(usable) == 2 and len(complete) == 2 and len(seeds) >= 2:
        return "own", f"own: two arms share {len(seeds)} seeds and there is no one to borrow from"
    return "pooled", f"pooled: {len(usable)} usable arms do not share two seeds or more"


def _difference_prior(arms: Mapping[str, Arm], seeds: tuple[Seed, ...]) -> VariancePrior:
    baseline, *ideas = (arm.restricted_to(seeds) for arm in arms.values())
    variances = [sd(paired_differences(baseline, idea)) ** 2 for idea in ideas]
    return fit_variance_prior(variances, [len(seeds) - 1] * len(ideas))


def _intraclass(block: Block) -> tuple[float, tuple[float, float]]:
    """Intraclass correlation of one seed's losses, with its 95 % interval.

    Source: Shrout & Fleiss (1979), ICC(3,1); the interval inverts F on (seeds - 1, residual df).
    """
    df, df_seed, arms = block.df, block.seeds - 1, block.arms
    f = float(block.ms_seed / block.ms_residual)
    low, high = f / float(fdtri(df_seed, df, 0.975)), f * float(fdtri(df, df_seed, 0.975))
    rho, lower, upper = ((x - 1.0) / (x + arms - 1.0) for x in (f, low, high))
    return rho, (lower, upper)

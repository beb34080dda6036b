"""A comparison: all numbers of one idea against its baseline, and the verdict on them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

from audition.stats.arms import Seed
from audition.stats.distributions import Sides
from audition.stats.effect_sizes import FORMULAE
from audition.stats.noise import NoiseModel
from audition.stats.seed_rule import SeedRule

Verdict = Literal["supported", "refuted", "inconclusive", "invalid"]
Expectation = Literal["better", "worse", "equal"]
"""What a claim says of an idea, against its baseline."""
Weight = Literal["for", "against", "open"]
"""What a comparison says of a claim."""
Kind = Literal["harmful", "negligible", "unstable"]
Tier = Literal["screened", "confirmed"]
DesignName = Literal["block", "mixed", "moderated", "pooled", "paired", "welch", "none"]
Interval = tuple[float, float]

FEW = 3
"""Seeds up to which a supported idea is a screening result until fresh seeds confirm it."""
UNKNOWN: Interval = (math.nan, math.nan)


@dataclass(frozen=True)
class Comparison:
    """One idea against its baseline. NaN is "not defined here"; in `to_dict` it is null.

    Losses, `improvement`, `ci`, `sesoi`, `mde` and sds are in loss units and improvements are
    positive when the idea is better. Means and sds are over the seeds used (`seeds`, n of them).

    `ci` decides: it is adjusted for the family, so that all intervals of a family hold at once with
    probability `level`, and it lies above zero exactly where `p_adjusted` <= `alpha` and the idea
    is the better one. `sides` says whether alpha is shared by both directions (level 1 - alpha) or
    all spent on "better" (level 1 - 2 alpha). `p`, `p_welch`, `p_paired` and `p_mann_whitney` are
    one-sided, alternative "the idea is better", and not adjusted. The effect sizes' intervals are
    two-sided at `level` and not adjusted either.

    `verdict` is the answer and `reason` its sentence; `kind` says how a refuted idea failed, and is
    None when it is merely not worthwhile with harm still open. `mde` is the true gain that these
    seeds would have *supported* in .8 of cases. With `seeds_needed` (an arm) an idea worth twice
    `sesoi` is supported and one worth nothing refuted, each with power .8.
    """

    idea: str
    seeds: tuple[Seed, ...]
    n: int
    n_baseline: int
    seed_rule: SeedRule | None = None
    design: DesignName = "none"
    improvement: float = math.nan
    ci: Interval = UNKNOWN
    level: float = 0.95
    alpha: float = 0.05
    sides: Sides = "two"
    standard_error: float = math.nan
    df: float = math.nan
    p: float = math.nan
    p_adjusted: float = math.nan
    adjustment: str = "none"
    family_size: int = 1
    p_floor: float = math.nan
    p_welch: float = math.nan
    p_paired: float = math.nan
    p_mann_whitney: float = math.nan
    baseline_mean: float = math.nan
    idea_mean: float = math.nan
    sd_baseline: float = math.nan
    sd_idea: float = math.nan
    cohens_d: float = math.nan
    cohens_d_ci: Interval = UNKNOWN
    hedges_g: float = math.nan
    hedges_g_ci: Interval = UNKNOWN
    glass_delta: float = math.nan
    glass_delta_ci: Interval = UNKNOWN
    cohens_dz: float = math.nan
    cohens_dz_ci: Interval = UNKNOWN
    cohens_dav: float = math.nan
    cohens_dav_ci: Interval = UNKNOWN
    formulae: Mapping[str, str] = field(default_factory=lambda: dict(FORMULAE))
    rho: float = math.nan
    rho_ci: Interval = UNKNOWN
    sesoi: float = math.nan
    mde: float = math.nan
    seeds_needed: int | None = None
    wins: int = 0
    diverged: int = 0
    verdict: Verdict = "inconclusive"
    kind: Kind | None = None
    reason: str = ""
    tier: Tier = "screened"
    warnings: tuple[str, ...] = ()
    noise: NoiseModel | None = field(default=None, compare=False, repr=False)
    """What `mde` and `seeds_needed` rest on; not part of the data."""

    @property
    def is_better(self) -> bool:
        """Whether the interval lies above zero; False without an interval."""
        return self.ci[0] > 0.0

    @property
    def is_screening(self) -> bool:
        """Whether it is a find on a few seeds that fresh ones have not confirmed."""
        return self.verdict == "supported" and self.tier == "screened" and self.n <= FEW

    def to_dict(self) -> dict[str, Any]:
        """The same facts as JSON can hold them: tuples as lists, NaN and infinity as null."""
        plain: dict[str, Any] = json_ready(replace(self, noise=None))
        del plain["noise"]
        return plain


def json_ready(value: object) -> Any:
    """A result as plain JSON: dataclasses as mappings, tuples as lists, NaN and infinity as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: json_ready(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): json_ready(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [json_ready(entry) for entry in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return str(value)  # a seed id may be any hashable

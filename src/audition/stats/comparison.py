"""A comparison: all numbers of one idea against its baseline, and the verdict on them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from audition.stats.arms import Seed
from audition.stats.effect_sizes import FORMULAE
from audition.stats.seed_rule import SeedRule

Verdict = Literal["supported", "refuted", "inconclusive", "invalid"]
Kind = Literal["harmful", "negligible", "unstable"]
Tier = Literal["screened", "confirmed"]
DesignName = Literal["block", "moderated", "pooled", "paired", "welch", "none"]
Interval = tuple[float, float]

UNKNOWN: Interval = (math.nan, math.nan)


@dataclass(frozen=True)
class Comparison:
    """One idea against its baseline. NaN is "not defined here"; in `to_dict` it is null.

    Losses, `improvement`, `ci`, `sesoi`, `mde` and sds are in loss units and improvements are
    positive when the idea is better. All p are one-sided, alternative "the idea is better". `ci`
    and the effect sizes' intervals are two-sided at `level`, not adjusted for the family. Means and
    sds are over the seeds used (`seeds`, n of them).

    `verdict` is the answer and `reason` its sentence; `kind` says how a refuted idea failed, and is
    None when it is merely not worthwhile with harm still open. `seeds_needed` (an arm) would detect
    a gain of `sesoi` with power .8; `mde` is the gain these seeds would have detected so.
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

    def to_dict(self) -> dict[str, Any]:
        """The same facts as JSON can hold them: tuples as lists, NaN and infinity as null."""
        plain: dict[str, Any] = json_ready(self)
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

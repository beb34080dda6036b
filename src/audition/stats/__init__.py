"""Statistics: losses of two or more arms in, frozen dataclasses out; no torch, no scipy.stats.

Floors, each reading only those below: numbers, noise, tests, decide, answer, and all rules at once.
"""

from audition.stats.arms import Arm, read_arm
from audition.stats.compare import campaign_noise, compare, compare_campaign
from audition.stats.comparison import Comparison
from audition.stats.effect_sizes import (
    FORMULAE,
    cohens_d,
    cohens_dav,
    cohens_dz,
    d_ci,
    dav_ci,
    dz_ci,
    glass_delta,
    glass_delta_ci,
    hedges_correction,
)
from audition.stats.multiplicity import (
    benjamini_hochberg,
    dunnett_critical_value,
    dunnett_tail,
    holm,
)
from audition.stats.noise import NoiseModel, estimate_noise
from audition.stats.pass_rate import seed_rule_false_pass_rate, seed_rule_pass_rate
from audition.stats.power import (
    minimal_detectable_effect,
    power_at,
    seeds_needed,
    seeds_to_settle,
)
from audition.stats.ranks import (
    mann_whitney,
)
from audition.stats.seed_rule import SeedRule, seed_rule
from audition.stats.sequential import (
    RaceRules,
    RaceStep,
    e_value,
    judge_finalists,
    race_spread,
    race_step,
)
from audition.stats.t_tests import TTest, paired_t, pooled_t, welch_t
from audition.stats.variances import VariancePrior, fit_variance_prior, outlier_arms

__all__ = [
    "FORMULAE",
    "Arm",
    "Comparison",
    "NoiseModel",
    "RaceRules",
    "RaceStep",
    "SeedRule",
    "TTest",
    "VariancePrior",
    "benjamini_hochberg",
    "campaign_noise",
    "cohens_d",
    "cohens_dav",
    "cohens_dz",
    "compare",
    "compare_campaign",
    "d_ci",
    "dav_ci",
    "dunnett_critical_value",
    "dunnett_tail",
    "dz_ci",
    "e_value",
    "estimate_noise",
    "fit_variance_prior",
    "glass_delta",
    "glass_delta_ci",
    "hedges_correction",
    "holm",
    "judge_finalists",
    "mann_whitney",
    "minimal_detectable_effect",
    "outlier_arms",
    "paired_t",
    "pooled_t",
    "power_at",
    "race_spread",
    "race_step",
    "read_arm",
    "seed_rule",
    "seed_rule_false_pass_rate",
    "seed_rule_pass_rate",
    "seeds_needed",
    "seeds_to_settle",
    "welch_t",
]

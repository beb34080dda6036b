"""Statistics: losses of two or more arms in, frozen dataclasses out, no torch anywhere."""

from audition.stats.arms import Arm, read_arm
from audition.stats.campaign import compare_campaign
from audition.stats.compare import compare
from audition.stats.comparison import Comparison
from audition.stats.dunnett import (
    DunnettBlock,
    dunnett_block,
    dunnett_critical_value,
    dunnett_tail,
)
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
    hedges_g,
)
from audition.stats.equivalence import Equivalence, tost
from audition.stats.location_tests import TTest, paired_t, pooled_t, welch_t
from audition.stats.moderation import VariancePrior, fit_variance_prior
from audition.stats.multiplicity import benjamini_hochberg, holm
from audition.stats.noise import NoiseModel, estimate_noise, outlier_arms
from audition.stats.pass_rate import seed_rule_false_pass_rate, seed_rule_pass_rate
from audition.stats.power import (
    PowerPoint,
    minimal_detectable_effect,
    power_at,
    power_curve,
    seeds_needed,
)
from audition.stats.racing import RaceRules, RaceStep, judge_finalists, race_step
from audition.stats.rank_and_sign import (
    ExactTest,
    mann_whitney,
    probability_of_superiority,
    signflip_test,
)
from audition.stats.seed_rule import SeedRule, seed_rule
from audition.stats.sequential import e_value

__all__ = [
    "FORMULAE",
    "Arm",
    "Comparison",
    "DunnettBlock",
    "Equivalence",
    "ExactTest",
    "NoiseModel",
    "PowerPoint",
    "RaceRules",
    "RaceStep",
    "SeedRule",
    "TTest",
    "VariancePrior",
    "benjamini_hochberg",
    "cohens_d",
    "cohens_dav",
    "cohens_dz",
    "compare",
    "compare_campaign",
    "d_ci",
    "dav_ci",
    "dunnett_block",
    "dunnett_critical_value",
    "dunnett_tail",
    "dz_ci",
    "e_value",
    "estimate_noise",
    "fit_variance_prior",
    "glass_delta",
    "glass_delta_ci",
    "hedges_correction",
    "hedges_g",
    "holm",
    "judge_finalists",
    "mann_whitney",
    "minimal_detectable_effect",
    "outlier_arms",
    "paired_t",
    "pooled_t",
    "power_at",
    "power_curve",
    "probability_of_superiority",
    "race_step",
    "read_arm",
    "seed_rule",
    "seed_rule_false_pass_rate",
    "seed_rule_pass_rate",
    "seeds_needed",
    "signflip_test",
    "tost",
    "welch_t",
]

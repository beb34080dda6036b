"""Questions of a ledger: functions from its runs to values that terminal, page and JSON show alike."""

from audition.answers.arms import LIKE_FOR_LIKE, ArmRuns, arms_of, unlike
from audition.answers.judgement import DEFAULT_TERMS, Judgement
from audition.answers.judging import family_of, judge_baseline, judge_plan
from audition.answers.named_arms import judge_arms

__all__ = [
    "DEFAULT_TERMS",
    "LIKE_FOR_LIKE",
    "ArmRuns",
    "Judgement",
    "arms_of",
    "family_of",
    "judge_arms",
    "judge_baseline",
    "judge_plan",
    "unlike",
]

"""The names of `audition.answers`, as type checkers read them; each is imported when first used."""

from audition.answers.arms import LIKE_FOR_LIKE as LIKE_FOR_LIKE
from audition.answers.arms import ArmRuns as ArmRuns
from audition.answers.arms import arms_of as arms_of
from audition.answers.arms import unlike as unlike
from audition.answers.judgement import DEFAULT_TERMS as DEFAULT_TERMS
from audition.answers.judgement import Judgement as Judgement
from audition.answers.judging import family_of as family_of
from audition.answers.judging import judge_baseline as judge_baseline
from audition.answers.judging import judge_plan as judge_plan
from audition.answers.named_arms import judge_arms as judge_arms

"""Figures, one a file: plain values in, a matplotlib figure out, the same colours in all of them."""

from audition.report.figures.detectable import detectable_effect
from audition.report.figures.forest import forest
from audition.report.figures.learning import learning_curves
from audition.report.figures.noise import noise_floor
from audition.report.figures.race import RaceStep, race_timeline
from audition.report.figures.residuals import residual_map
from audition.report.figures.slopes import paired_slopes

__all__ = [
    "RaceStep",
    "detectable_effect",
    "forest",
    "learning_curves",
    "noise_floor",
    "paired_slopes",
    "race_timeline",
    "residual_map",
]

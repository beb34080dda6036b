"""Figures, one a file: plain values in, a matplotlib figure out, the same colours in all of them."""

from audition.report.figures.detectable import detectable_effect
from audition.report.figures.episodes import episode_intervals, known_models
from audition.report.figures.forest import forest
from audition.report.figures.frontier import claimed_costs, cost_frontier
from audition.report.figures.learning import learning_curves
from audition.report.figures.lineage.careers import unit_careers
from audition.report.figures.lineage.family_tree import family_tree
from audition.report.figures.lineage.muller import muller
from audition.report.figures.lineage.survival import survival_curve
from audition.report.figures.meters import effect_meters
from audition.report.figures.noise import noise_floor
from audition.report.figures.phases import accuracy_matrix, forgetting_curves, matrices
from audition.report.figures.pictures import held_out_pictures
from audition.report.figures.race import race_timeline
from audition.report.figures.residuals import residual_map
from audition.report.figures.search.front import search_front
from audition.report.figures.search.history import search_history
from audition.report.figures.search.importances import search_importances
from audition.report.figures.search.slices import search_slices
from audition.report.figures.slopes import paired_slopes
from audition.report.figures.spikes import loss_spikes
from audition.report.figures.tuned import tuned_curves

__all__ = [
    "accuracy_matrix",
    "claimed_costs",
    "cost_frontier",
    "detectable_effect",
    "effect_meters",
    "episode_intervals",
    "family_tree",
    "forest",
    "forgetting_curves",
    "held_out_pictures",
    "known_models",
    "learning_curves",
    "loss_spikes",
    "matrices",
    "muller",
    "noise_floor",
    "paired_slopes",
    "race_timeline",
    "residual_map",
    "search_front",
    "search_history",
    "search_importances",
    "search_slices",
    "survival_curve",
    "tuned_curves",
    "unit_careers",
]

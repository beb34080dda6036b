"""What each seed says of an idea: the dots that every figure shows beside its means."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from statistics import median

from audition.answers import Judgement
from audition.measure import Measure
from audition.stats.verdict import interval_name

NO_IDEA = "No idea has been judged yet."
PAIRED = ("block", "mixed", "moderated", "paired")


def gains(judgement: Judgement) -> dict[Hashable, float]:
    """Seed -> improvement (loss units); their mean is the judgement's own.

    Seed by seed where the design is paired, from the baseline's mean where it is not. Seeds without
    a finite loss are left out.
    """
    c, idea, baseline = judgement.comparison, judgement.arm.losses, judgement.baseline.losses
    found, paired = {}, is_paired(judgement)
    for seed in c.seeds:
        own = idea.get(seed)
        other = baseline.get(seed) if paired else c.baseline_mean
        if own is not None and other is not None and math.isfinite(other - own):
            found[seed] = other - own
    return found


def gain_axis(how: Measure) -> str:
    """What an axis of improvements is called: `improvement [%]`."""
    return f"improvement [{how.unit}]" if how.unit else "improvement"


def difference(how: Measure) -> str:
    """How an improvement comes from two means: lower ones are better, or higher ones."""
    sides = ("baseline", "idea") if how.better == "lower" else ("idea", "baseline")
    return "mean({}) − mean({})".format(*sides)


def finite(losses: Mapping[Hashable, float | None]) -> dict[Hashable, float]:
    """Seed -> loss, of the runs that ended in a number."""
    return {s: x for s, x in losses.items() if x is not None and math.isfinite(x)}


def is_paired(judgement: Judgement) -> bool:
    """Whether the comparison was made seed by seed (an undefined one is drawn so where it can)."""
    design = judgement.comparison.design
    shared = judgement.arm.losses.keys() & judgement.baseline.losses.keys()
    return design in PAIRED or (design == "none" and bool(shared))


def sizes(judgements: Sequence[Judgement]) -> str:
    """`n = 4 seeds an idea, 4 of the baseline`, for a caption."""
    ours = span([j.comparison.n for j in judgements])
    theirs = span([j.comparison.n_baseline for j in judgements])
    return f"n = {ours} seed{'' if ours == '1' else 's'} an idea, {theirs} of the baseline"


def designs(judgements: Sequence[Judgement]) -> str:
    """`95 % CI (block)`: level and designs of the intervals, for a caption."""
    names = dict.fromkeys(j.comparison.design for j in judgements)
    levels = " and ".join(dict.fromkeys(interval_name(j.comparison) for j in judgements))
    known = [name for name in names if name != "none"]
    return f"{levels} (t; {', '.join(known) or 'none defined'})"


def limits(rows: Sequence[Sequence[float]], *, most: float = 5.0) -> tuple[float, float]:
    """An axis around zero that holds every row, save rows `most` times wider than is usual."""
    finite = [[x for x in row if math.isfinite(x)] for row in rows]
    reach = [max(map(abs, row)) for row in finite if row]
    far = min(max(reach, default=1.0), most * median(reach or [1.0])) or 1.0
    values = [x for row in finite for x in row]
    low, high = max(min(values, default=-far), -far), min(max(values, default=far), far)
    margin = 0.06 * ((high - low) or far)
    return min(low, 0.0) - margin, max(high, 0.0) + margin


def foremost(judgements: Sequence[Judgement], most: int) -> tuple[Sequence[Judgement], str]:
    """The first `most` of them, and a sentence for the caption where that leaves some out."""
    if len(judgements) <= most:
        return judgements, ""
    return judgements[:most], f" Drawn are the first {most} of {len(judgements)} ideas."


def span(counts: Iterable[int]) -> str:
    """`3`, or `3 to 8`: of how many, for a caption."""
    counts = list(counts)
    low, high = min(counts, default=0), max(counts, default=0)
    return str(low) if low == high else f"{low} to {high}"

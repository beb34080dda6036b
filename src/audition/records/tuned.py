"""The tuning of every arm before they are compared at their best: settings, and values by seed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from audition.measure import Measure
from audition.records.folder import Folder
from audition.records.record import LANGUAGE


@dataclass(frozen=True, kw_only=True)
class Try:
    """An arm at one setting of the tuned keys."""

    overrides: tuple[str, ...]  # on top of the arm's own; none for its default
    values: Mapping[str, Any]  # tuned key -> its value here
    config_hash: str
    losses: Mapping[int, float | None]  # seed -> the metric as a loss; None where the run diverged

    @property
    def mean(self) -> float:
        """Over its seeds, as a loss; infinite where one diverged or none has run."""
        losses = [math.inf if loss is None else loss for loss in self.losses.values()]
        return fmean(losses) if losses else math.inf


@dataclass(frozen=True, kw_only=True)
class Contender:
    """An arm, and all it was tried at; the first try is its default."""

    name: str
    tries: tuple[Try, ...]

    def best(self, seeds: tuple[int, ...]) -> Try | None:
        """The least mean of those tried on all `seeds`, the default where it is as good."""
        whole = [t for t in self.tries if set(seeds) <= t.losses.keys() and math.isfinite(t.mean)]
        return min(whole, key=lambda each: each.mean, default=None)

    def edge(self, seeds: tuple[int, ...]) -> str:
        """`largest` or `smallest` where the best value of the only key is an end of those tried."""
        best = self.best(seeds)
        if best is None or len(best.values) != 1 or len(self.tries) < 3:
            return ""
        (key,) = best.values
        tried = sorted(each.values[key] for each in self.tries)
        ends = {tried[0]: "smallest", tried[-1]: "largest"}
        return ends.get(best.values[key], "")


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """All that was tried before one comparison of arms, each at its best."""

    baseline_hash: str  # of the baseline at its best
    keys: tuple[str, ...]
    seeds: tuple[int, ...]  # they choose the best, and no verdict rests on them
    metric: str
    measure: Measure
    contenders: tuple[Contender, ...]  # the baseline first
    lattice: bool  # whether the values are neighbours on one line, rather than points of a search


def _upgraded(plain: dict[str, Any]) -> dict[str, Any]:
    """Add what files of Audition 0.2 lack: how the metric is read."""
    return {"measure": LANGUAGE.get(plain["metric"]), **plain}


TUNED = Folder("tuned", Tuned, upgrade=_upgraded)
"""One file a comparison, by the digest of the plan that it led to."""


def tuned_for(root: Path, baseline_hash: str) -> tuple[Tuned, ...]:
    """The tuning before comparisons with that baseline; files that cannot be read are left out."""
    return tuple(each for each in TUNED.read(root)[0] if each.baseline_hash == baseline_hash)

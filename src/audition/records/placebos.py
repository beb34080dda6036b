"""The ledger's record of a calibration: which of its runs make which comparisons of like with like."""

from collections.abc import Iterator
from dataclasses import dataclass

from audition.records.folder import Folder


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A placebo, or the baseline, at each value of the key that a tuned comparison chooses from."""

    name: str
    config_hashes: tuple[str, ...]  # as it comes first, then at each other value


@dataclass(frozen=True, kw_only=True)
class PlaceboCampaigns:
    """Campaigns of placebos: each on seeds of its own, with a baseline of its own on the same seeds."""

    baseline_hash: str
    metric: str
    screening_seeds: int
    fresh_seeds: int
    campaigns: int
    key: str  # what a tuned comparison tunes; empty where there is none
    baseline: Entrant
    placebos: tuple[Entrant, ...]

    @property
    def arms(self) -> tuple[Entrant, ...]:
        """The baseline, then the placebos."""
        return (self.baseline, *self.placebos)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed, those of a campaign side by side."""
        return tuple(range(1, self.campaigns * (self.screening_seeds + self.fresh_seeds) + 1))

    def groups(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """The screening seeds and the fresh seeds of each campaign."""
        each = self.screening_seeds + self.fresh_seeds
        for first in range(0, len(self.seeds), each):
            own = self.seeds[first : first + each]
            yield own[: self.screening_seeds], own[self.screening_seeds :]


MOST = 100_000
"""Seeds of all campaigns; a file with more was not written by a sweep."""


def _misfit(found: PlaceboCampaigns, stem: str) -> str:
    each = found.screening_seeds + found.fresh_seeds
    counts = (found.screening_seeds, found.fresh_seeds, found.campaigns)
    tries = {len(arm.config_hashes) for arm in found.arms}
    if min(counts) < 1 or each * found.campaigns > MOST or len(tries) != 1 or not found.placebos:
        return "has campaigns that no sweep makes"
    same = found.baseline_hash == stem == found.baseline.config_hashes[0]
    return "" if same else "is of another baseline than its name says"


PLACEBOS = Folder("placebos", PlaceboCampaigns, misfit=_misfit)
"""One file a recipe, by the config hash of its baseline."""

"""The ledger's record of a race: the result of each idea at each look, and what the race cost."""

from dataclasses import dataclass

from audition.records.folder import Folder


@dataclass(frozen=True)
class Turn:
    """The result of one idea at one look."""

    idea: str
    config_hash: str
    stage: int  # 1: first seed, 2: all screening seeds, 3: fresh seeds
    seeds: tuple[int, ...]  # run so far
    mean_gain: float | None  # over the screening seeds, in the metric's unit; positive is better
    threshold: float | None
    action: str  # run, drop or promote; missing where a run has no outcome
    reason: str


@dataclass(frozen=True)
class Race:
    """All turns of a race, in order, and what it cost."""

    baseline_hash: str
    turns: tuple[Turn, ...]
    runs: int  # of ideas
    runs_at_fixed_seeds: int  # of ideas, had each run every seed

    @property
    def finalists(self) -> tuple[str, ...]:
        """Config hashes of the ideas that ran the fresh seeds."""
        return tuple(turn.config_hash for turn in self.turns if turn.action == "promote")


RACES = Folder("races", Race)
"""One file a baseline, by its config hash."""

"""What a chain of effects did to the signals of a trace, step by step, and what that can say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isfinite, nan
from statistics import fmean
from typing import Any

from audition.text import count


@dataclass(frozen=True)
class Readings:
    """The readings of a replay: those of the whole chain, then the effects' meters."""

    run: str  # that the signals are of, as ARM/SEED
    key: str
    windows: tuple[tuple[int, int], ...]  # steps that were replayed: from, and up to without
    of: int  # steps of the run; 0 where it was given minutes
    kept: int  # entries of all tensors that stand for them
    entries: int  # of all tensors
    kinds: Mapping[str, str]  # effect -> how it was replayed, as `Effect.replays` has it
    series: Mapping[str, Sequence[float]]  # reading -> [steps]; not-a-number where there was none

    @property
    def steps(self) -> int:
        """How many steps were replayed."""
        return sum(end - start for start, end in self.windows)

    def means(self, name: str) -> tuple[float, ...]:
        """The mean of a reading over each window."""
        values = self.series[name]
        cuts = accumulate((end - start for start, end in self.windows), initial=0)
        parts = (values[a:b] for a, b in pairwise(cuts))
        seen = ([x for x in part if isfinite(x)] for part in parts)
        return tuple(fmean(part) if part else nan for part in seen)

    def shown(self) -> list[str]:
        """The readings worth a line: gains on a setting that the chain leaves alone are not."""
        return [
            name
            for name, values in self.series.items()
            if "/" in name or not name.endswith(" gain") or any(abs(x - 1.0) > 1e-6 for x in values)
        ]

    def limits(self) -> tuple[str, ...]:
        """What the replay says, how exactly, and what it cannot say."""
        whole = f" of {self.of:,}" if self.of else ""
        exact = [name for name, kind in self.kinds.items() if kind == "norms"]
        sampled = [name for name, kind in self.kinds.items() if kind != "norms"]
        said = [
            f"A simulation on the recorded signals of {self.run}, {count(self.steps, 'step')}{whole} "
            f"({', '.join(map(named, self.windows))}): what each effect does to gradients, updates and "
            "weights that were trained without it. Training with this chain would change them, the "
            "later ones most.",
        ]
        if any(end != start for (_, end), (start, _) in pairwise(self.windows)):
            said.append(
                "From one window to the next, effects keep the state that they had: the steps between "
                "were not recorded."
            )
        if exact:
            said.append(f"Exact on these, from norms, losses and clocks: {', '.join(exact)}.")
        if sampled:
            said.append(
                f"Estimated from {self.kept:,} of {self.entries:,} entries: {', '.join(sampled)}."
            )
        said.append(
            "Updates are the recorded ones times the chain's gain on the learning rate: what the "
            "optimizer would make of changed gradients is not known."
        )
        said.append("It cannot say what becomes of the loss: only a run can.")
        return tuple(said)

    def to_dict(self) -> dict[str, Any]:
        """As data, with every step."""
        return {
            "run": self.run,
            "key": self.key,
            "steps": self.steps,
            "windows": [[start + 1, end] for start, end in self.windows],
            "of": self.of,
            "replayed": dict(self.kinds),
            "limits": list(self.limits()),
            "readings": {
                name: [x if isfinite(x) else None for x in values]
                for name, values in self.series.items()
            },
        }


def named(window: tuple[int, int]) -> str:
    """A window in words, its steps counted from 1.

    Examples:
        >>> named((0, 67)), named((5, 6))
        ('steps 1 to 67', 'step 6')
    """
    start, end = window
    return f"step {end:,}" if end == start + 1 else f"steps {start + 1:,} to {end:,}"

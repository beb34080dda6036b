"""What a chain of effects did to the signals of a trace, step by step, and what that can say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, nan
from statistics import fmean
from typing import Any

from audition.text import count

THIRDS = 3


@dataclass(frozen=True)
class Readings:
    """The readings of a replay: those of the whole chain, then the effects' meters."""

    run: str  # that the signals are of, as ARM/SEED
    key: str
    steps: int  # that were replayed, the first ones of the run
    of: int  # steps of the run; 0 where it was given minutes
    kept: int  # entries of all tensors that stand for them
    entries: int  # of all tensors
    kinds: Mapping[str, str]  # effect -> how it was replayed, as `Effect.replays` has it
    series: Mapping[str, Sequence[float]]  # reading -> [steps]; not-a-number where there was none

    def thirds(self, name: str) -> tuple[float, ...]:
        """The means of a reading over the first, the second and the last third of the steps."""
        values = self.series[name]
        cuts = [round(self.steps * k / THIRDS) for k in range(THIRDS + 1)]
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
            f"A simulation on the recorded signals of {self.run}, its first "
            f"{count(self.steps, 'step')}{whole}: what each effect does to gradients, updates and "
            "weights that were trained without it. Training with this chain would change them, the "
            "later ones most.",
        ]
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
            "of": self.of,
            "replayed": dict(self.kinds),
            "limits": list(self.limits()),
            "readings": {
                name: [x if isfinite(x) else None for x in values]
                for name, values in self.series.items()
            },
        }

"""What to type to get a row of the report again, in a ledger of its own."""

import shlex
from collections.abc import Sequence

from audition.answers import ArmRuns, Judgement
from audition.config.groups import deciding, root_of

DOOR = "python -m src.train"
WHERE = "paths.output_dir=reproduced"
FILED = frozenset(group.name for group in deciding("seed", "filing"))
"""Overrides that say which run it was and where it was filed, not what it trained."""

ARMS_OFF = ("hydra.sweeper.params=null", "hydra.sweeper.arms=null")
"""Leaves a campaign's settings in force, and its seeds and arms out."""


def commands(judgement: Judgement) -> tuple[str, ...]:
    """The commands that train both arms on their seeds again; none where the records lack them.

    Both are one sweep. An arm made of ideas stands on the line as it is; a setting alone on the line
    would be common to both arms, so what makes such an arm is a line of `hydra.sweeper.arms`.
    """
    arm, baseline = judgement.arm, judgement.baseline
    ours, theirs = _overrides(arm), _overrides(baseline)
    if not ours:
        return ()
    own, shared = _seeds(arm), _seeds(baseline)
    rest = [seed for seed in shared if seed not in own]
    ours_alone = [override for override in ours if override not in theirs]
    words = ours if all(map(_makes_an_arm, ours_alone)) else _beside(ours, theirs)
    return (_sweep(words, own), *([_sweep(theirs, rest)] if rest else []))


def _beside(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """What makes both arms in one sweep: what they share, then what sets each of them apart."""
    shared = [o for o in ours if o in theirs and o not in ARMS_OFF[1:]]
    arm = shlex.join(o for o in ours if o not in theirs)
    base = [o for o in theirs if o not in ours]
    if base and not any(root_of(o) == "baseline" for o in shared):
        shared.append(f"baseline={_quoted(shlex.join(base))}")
    return (*shared, f"hydra.sweeper.arms=[{_quoted(arm)}]")


def _sweep(overrides: Sequence[str], seeds: Sequence[int]) -> str:
    return f"{DOOR} {shlex.join((*overrides, f'seed={_listed(seeds)}', WHERE))} -m"


def _quoted(value: str) -> str:
    """As Hydra reads a text: bare, a name with a comma would be a sweep, a hash of digits a number."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _listed(seeds: Sequence[int]) -> str:
    return ",".join(map(str, seeds))


def _overrides(arm: ArmRuns) -> tuple[str, ...]:
    newest = max(arm.records, key=lambda record: record.started)
    own = tuple(o for o in newest.overrides if root_of(o) not in FILED)
    campaign = any(o.lstrip("+").startswith("sweeps=") for o in own)
    return (*own, *ARMS_OFF) if campaign else own


def _seeds(arm: ArmRuns) -> list[int]:
    return [record.seed for record in arm.records if record.settled]


def _makes_an_arm(override: str) -> bool:
    return override.lstrip("+~").startswith(("idea=", "ideas."))

"""What to type to get a row of the report again, in a ledger of its own."""

import shlex
from collections.abc import Sequence

from audition.config.groups import deciding, root_of
from audition.judge import ArmRuns, Judgement

DOOR = "python -m src.train"
WHERE = "paths.output_dir=reproduced"
FILED = frozenset(group.name for group in deciding("seed", "filing"))
"""Overrides that say which run it was and where it was filed, not what it trained."""

ARMS_OFF = ("hydra.sweeper.params=null", "hydra.sweeper.arms=null")
"""Leaves a campaign's settings in force, and its seeds and arms out."""


def commands(judgement: Judgement) -> tuple[str, ...]:
    """The commands that train both arms on their seeds again; none where the records lack them.

    An arm made of ideas is one sweep, which trains the baseline beside it. An arm made by a swept
    setting is not: alone on the line that setting would be common to both arms. Its runs are typed
    one by one, with the name and the baseline that the sweep gave them.
    """
    arm, baseline = judgement.arm, judgement.baseline
    ours, theirs = _overrides(arm), _overrides(baseline)
    if not ours:
        return ()
    own, shared = _seeds(arm), _seeds(baseline)
    if all(_makes_an_arm(override) for override in ours if override not in theirs):
        rest = [seed for seed in shared if seed not in own]
        return (_sweep(ours, own), *([_sweep(theirs, rest)] if rest else []))
    filed = (f"arm.name={_quoted(arm.name)}", f"arm.baseline={_quoted(arm.baseline_hash)}")
    words = shlex.join((*ours, *filed, WHERE))
    loop = f"for seed in {' '.join(map(str, own))}; do {DOOR} {words} seed=$seed; done"
    return (_sweep(theirs, shared), loop)


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

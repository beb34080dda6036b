"""The commands that train the arms of a verdict again, on the same seeds or on others."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from audition.answers.arms import ArmRuns
from audition.answers.judgement import Judgement
from audition.answers.provenance import mapping_in
from audition.command_line import (
    config_folder,
    in_quotes,
    train_command,
    train_door,
)
from audition.config.groups import deciding, root_of
from audition.records.store import Ledger

FILED = frozenset(group.name for group in deciding("seed", "filing"))
"""Overrides that name and file a run and change nothing that it trains."""
COMMON = frozenset(group.name for group in deciding("watching", "words"))
"""Overrides that change no number, and so set no arms apart: `allowed_targets`, `logger`."""
CACHE = "paths.cache_dir="
"""The one override of a filed run that is said again: without it the text would be made anew."""
ARMS_OFF = ("hydra.sweeper.params=null", "hydra.sweeper.arms=null")
"""Keeps a campaign's settings and drops its seeds and arms."""
TUNE_OFF = "tune=null"
"""Keeps an arm that was tuned at what it was judged at, where its sweep's file tunes."""
REPORT_OFF = ("analysis.primary=null", "analysis.expects=better")
"""Drops what a sweep registered of arms that are not trained again."""

CONTROL_OFF = "claim.control=null"
CLAIM_OFF = "claim.cost=none"
"""Drop what a sweep claims of arms that are not trained again."""


def with_configs(command: str, judgement: Judgement, root: Path) -> str:
    """A command that trains, with the folder of configs that the arm's newest run was typed with."""
    door = shlex.join(train_door())
    if not command.startswith(door) or config_folder(sys.argv):
        return command
    newest = max(judgement.arm.records, key=lambda record: record.started)
    repro = mapping_in(Ledger(root).folder_of(newest) / "repro.json")
    folder = config_folder([str(word) for word in repro.get("command") or ()])
    return " ".join(filter(None, (door, shlex.join(folder), command[len(door) + 1 :])))


def commands(judgement: Judgement, root: Path) -> tuple[str, ...]:
    """The commands that train both arms on their seeds again; none where the records lack them."""
    own, shared = judgement.arm.seeds, judgement.baseline.seeds
    rest = [seed for seed in shared if seed not in own]
    where = "paths.output_dir=reproduced"
    first = sweep_of_both(judgement, own, where)
    if not first:
        return ()
    unregistered = REPORT_OFF if judgement.standing.report is not None else ()
    if judgement.beside_claims:
        unregistered = (CLAIM_OFF, *unregistered)
    alone = _sweep(overrides_of(judgement.baseline), rest, *unregistered, where)
    every = (first, alone) if rest else (first,)
    return tuple(with_configs(command, judgement, root) for command in every)


def sweep_of_both(judgement: Judgement, seeds: Sequence[int], *where: str) -> str:
    """One sweep of both arms on `seeds`; empty where the records lack the overrides.

    Ideas are written as they were typed. A setting on the command line would apply to both arms, so
    an arm that differs by settings is given by `--arm`. A registered test is registered again, and
    what was claimed is claimed again.
    """
    ours, theirs = overrides_of(judgement.arm), overrides_of(judgement.baseline)
    if not ours:
        return ""
    theirs = (*theirs, *(o for o in ours if _is_common(o) and o not in theirs))
    ours_alone = [override for override in ours if override not in theirs]
    if expects := judgement.standing.expects:
        named = in_quotes(shlex.join(ours_alone))
        where = (f"analysis.primary=[{named}]", f"analysis.expects={expects}", *where)
    elif judgement.standing.report is not None:
        where = (*REPORT_OFF, *where)
    if claims := [claim for claim in judgement.claims if not claim.is_control]:
        costs, factors = (",".join(x.cost for x in claims), ",".join(f"{x.k:g}" for x in claims))
        about = f"claim.arms=[{in_quotes(shlex.join(ours_alone))}]"
        where = (f"claim.cost=[{costs}]", f"claim.k=[{factors}]", about, CONTROL_OFF, *where)
    elif judgement.beside_claims:
        where = (CLAIM_OFF, *where)
    if judgement.standing.terms and any(_is_file(o) for o in ours):
        where = (TUNE_OFF, *where)
    words = ours if all(map(_makes_an_arm, ours_alone)) else _beside(ours, theirs)
    return _sweep(words, seeds, *where)


def _beside(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """The overrides of one sweep of both arms: the shared ones, then those of each arm."""
    shared = [o for o in ours if o in theirs and o not in ARMS_OFF[1:]]
    arm = shlex.join(o for o in ours if o not in theirs)
    base = [o for o in theirs if o not in ours]
    if base and not any(root_of(o) == "baseline" for o in shared):
        shared.append(f"baseline={in_quotes(shlex.join(base))}")
    return (*shared, "--arm", arm)


def _sweep(overrides: Sequence[str], seeds: Sequence[int], *where: str) -> str:
    keys = {word.partition("=")[0] for word in where}
    kept = (word for word in overrides if word.partition("=")[0] not in keys)
    return train_command(*kept, f"seed={','.join(map(str, seeds))}", *where, "-m")


def overrides_of(arm: ArmRuns) -> tuple[str, ...]:
    newest = max(arm.records, key=lambda record: record.started)
    own = tuple(o for o in newest.overrides if root_of(o) not in FILED or o.startswith(CACHE))
    campaign = any(o.lstrip("+").startswith("sweeps=") for o in own)
    return (*own, *ARMS_OFF) if campaign else own


def _is_file(override: str) -> bool:
    """Whether it names a file that may hold a whole sweep."""
    return override.lstrip("+").startswith(("sweeps=", "experiment="))


def _is_common(override: str) -> bool:
    return root_of(override) in COMMON or override.startswith(CACHE)


def _makes_an_arm(override: str) -> bool:
    return override.lstrip("+~").startswith(("idea=", "ideas."))

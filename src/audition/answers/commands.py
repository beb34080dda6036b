"""The commands that follow a verdict: its next step, and those that train its arms again."""

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audition.answers.arms import ArmRuns, unlike, untested
from audition.answers.judgement import Judgement
from audition.answers.provenance import mapping_in
from audition.command_line import (
    audition_command,
    config_folder,
    in_quotes,
    train_command,
    train_door,
)
from audition.config.groups import deciding, root_of
from audition.config.root import more_seeds
from audition.errors import AuditionError
from audition.records.store import Ledger
from audition.stats.power import seeds_to_settle
from audition.text import count, duration, in_unit, plain_level

FRESH = 5
"""Seeds that a confirmation runs, as many as a race."""
FEWEST = 3
"""The fewest seeds that a comparison should have."""
MOST = 20
"""The most seeds that a command lists; beyond that the next step is `audition power`."""

FILED = frozenset(group.name for group in deciding("seed", "filing"))
"""Overrides that name and file a run and change nothing that it trains."""
COMMON = frozenset(group.name for group in deciding("watching", "words"))
"""Overrides that change no number, and so set no arms apart: `allowed_targets`, `logger`."""
CACHE = "paths.cache_dir="
"""The one override of a filed run that is said again: without it the text would be made anew."""
ARMS_OFF = ("hydra.sweeper.params=null", "hydra.sweeper.arms=null")
"""Keeps a campaign's settings and drops its seeds and arms."""
REPORT_OFF = ("analysis.primary=null", "analysis.expects=better")
"""Drops what a campaign registered of arms that are not trained again."""


@dataclass(frozen=True)
class NextStep:
    """A suggested next step, and its command; empty where there is none."""

    text: str
    command: str


def next_step(judgement: Judgement, root: Path) -> NextStep:
    """The next step after a verdict from the ledger at `root`."""
    step = _next_step(judgement, root)
    return replace(step, command=_with_configs(step.command, judgement, root))


def confirmation(judgement: Judgement, root: Path, many: int | None = None) -> str:
    """The command that trains both arms on `many` fresh seeds, in a ledger of their own.

    By default as many as would settle it, and FRESH at least. Raises AuditionError where the
    records do not say how their arm was typed.
    """
    settling = min(_needed(judgement) or FRESH, MOST)
    command = _confirm(judgement, root, many or max(FRESH, settling)).command
    if not command:
        raise AuditionError(
            f"the records of {judgement.arm.name} do not say how it was typed, so it cannot be "
            "trained again"
        )
    return _with_configs(command, judgement, root)


def _with_configs(command: str, judgement: Judgement, root: Path) -> str:
    """A command that trains, with the folder of configs that the arm's newest run was typed with."""
    door = shlex.join(train_door())
    if not command.startswith(door) or config_folder(sys.argv):
        return command
    newest = max(judgement.arm.records, key=lambda record: record.started)
    repro = mapping_in(Ledger(root).folder_of(newest) / "repro.json")
    folder = config_folder([str(word) for word in repro.get("command") or ()])
    return " ".join(filter(None, (door, shlex.join(folder), command[len(door) + 1 :])))


def _next_step(judgement: Judgement, root: Path) -> NextStep:
    c = judgement.comparison
    if judgement.standing.elsewhere:
        return NextStep(_elsewhere(judgement), "")
    match c.verdict:
        case "invalid" if unlike(judgement.arm, judgement.baseline):
            again = commands(judgement, root)
            return NextStep("train both alike, in a ledger of their own", again[0] if again else "")
        case "invalid" if untested(judgement.arm, judgement.baseline):
            return NextStep("train longer, or with events closer together", "")
        case "invalid" if any(r.status == "diverged" for r in judgement.baseline.records):
            return NextStep("see why the baseline diverged", audition_command("runs", root))
        case "invalid":
            own = _overrides(judgement.arm)
            look = train_command(*own, "--cfg", "job") if own else ""
            return NextStep("see whether the setting reaches the run", look)
        case "refuted" if c.kind == "unstable":
            return NextStep("see where its runs diverged", audition_command("runs", root))
        case "refuted" | "inconclusive" if any(x.word == "supported" for x in judgement.claims):
            return NextStep(
                "what is claimed of it holds; the report draws what it costs",
                audition_command("report", root),
            )
        case "refuted":
            return NextStep(
                "drop it or change it; the report shows its curves",
                audition_command("report", root),
            )
        case "supported" if c.tier == "confirmed":
            return NextStep(
                "it held on fresh seeds; the report shows all of it",
                audition_command("report", root),
            )
        case "supported":
            return _confirm(judgement, root)
    return _settle(judgement, root)


def _elsewhere(judgement: Judgement) -> str:
    """The next step with runs that are trained elsewhere."""
    c, how = judgement.comparison, judgement.measure
    if c.verdict == "supported":
        return f"confirm it on {FRESH} fresh seeds"
    if c.verdict == "inconclusive" and c.seeds_needed is not None and c.seeds_needed > c.n:
        gained = in_unit(plain_level(c.sesoi, how), how)
        return f"{c.seeds_needed:,} seeds an arm show a gain of {gained}, the smallest that counts"
    if c.verdict == "invalid":
        return "see why its runs failed"
    if c.verdict == "inconclusive" and c.n < FEWEST:
        return f"train both arms on {FEWEST} seeds or more"
    return "drop it or change it"


def _confirm(judgement: Judgement, root: Path, many: int = FRESH) -> NextStep:
    """Fresh seeds in a ledger of their own, which alone judge: in the old one they would count as
    added after a look.
    """
    seeds, alpha = _further(judgement, many), _alpha(judgement)
    seconds = many * sum(side.mean("seconds") for side in (judgement.arm, judgement.baseline))
    does = "confirm" if judgement.comparison.verdict == "supported" else "settle"
    looked = alpha < judgement.comparison.alpha
    again = (
        f": registered before they run, they alone judge, as planned, at half the error of this look "
        f"(α = {alpha:g}), so that all looks together err in less than twice that of the first"
    )
    return NextStep(
        f"{does} it on {many} fresh seeds, in a ledger of its own ({_price(2 * many, seconds)})"
        + again * looked,
        _first(
            judgement,
            seeds,
            "hydra.sweeper.confirm=true",
            *([f"analysis.alpha={alpha:g}"] if looked else []),
            f"paths.output_dir={_own_ledger(root)}",
        ),
    )


def _alpha(judgement: Judgement) -> float:
    """The error of a verdict on fresh seeds: half of the last where that could have been a success.

    The looks at one question then err in α + α/2 + α/4 + … < 2 α in all (Bonferroni). A success is
    confirmed at the same α, since both have to be one.
    """
    c = judgement.comparison
    return c.alpha / 2 if c.verdict == "inconclusive" and c.n > 1 else c.alpha


def _needed(judgement: Judgement) -> int | None:
    """Fresh seeds an arm that settle the question, as the only idea and at the error of that look."""
    c = judgement.comparison
    if c.noise is None or c.seeds_needed is None:
        return c.seeds_needed
    return seeds_to_settle(c.sesoi, c.noise, _alpha(judgement), sides=c.sides)


def _own_ledger(root: Path) -> str:
    """`confirmed`, and after the ledger `confirmed` the ledger `confirmed_2`."""
    found = re.fullmatch(r"confirmed(?:_(\d+))?", root.name)
    return f"confirmed_{int(found[1] or 1) + 1}" if found else "confirmed"


def _settle(judgement: Judgement, root: Path) -> NextStep:
    """Fresh seeds for an inconclusive verdict, as many as settle it; many are left to the reader."""
    c, how = judgement.comparison, judgement.measure
    needed = _needed(judgement)
    if needed is not None and needed > MOST:
        seconds = needed * sum(s.mean("seconds") for s in (judgement.arm, judgement.baseline))
        gained = 2 * c.sesoi  # a gain of just what counts is supported in half of the cases at most
        return NextStep(
            f"a gain of {in_unit(plain_level(gained, how), how)}, twice what counts, takes {needed:,} "
            f"fresh seeds an arm ({_price(2 * needed, seconds)}); see what fewer can show",
            audition_command(f"power --gain {gained:.3g}", root),
        )
    return _confirm(judgement, root, max(needed or FRESH, FRESH))


def _price(runs: int, seconds: float) -> str:
    return f"{count(runs, 'more run')}, about {duration(seconds)} of one worker"


def _further(judgement: Judgement, many: int) -> tuple[int, ...]:
    """`many` seeds that neither arm has run."""
    ran = {*judgement.arm.seeds, *judgement.baseline.seeds}
    return more_seeds(ran, many)


def commands(judgement: Judgement, root: Path) -> tuple[str, ...]:
    """The commands that train both arms on their seeds again; none where the records lack them."""
    own, shared = judgement.arm.seeds, judgement.baseline.seeds
    rest = [seed for seed in shared if seed not in own]
    where = "paths.output_dir=reproduced"
    first = _first(judgement, own, where)
    if not first:
        return ()
    alone = _sweep(_overrides(judgement.baseline), rest, where)
    every = (first, alone) if rest else (first,)
    return tuple(_with_configs(command, judgement, root) for command in every)


def _first(judgement: Judgement, seeds: Sequence[int], *where: str) -> str:
    """One sweep of both arms on `seeds`; empty where the records lack the overrides.

    Ideas are written as they were typed. A setting on the command line would apply to both arms, so
    an arm that differs by settings is given by `--arm`.
    """
    ours, theirs = _overrides(judgement.arm), _overrides(judgement.baseline)
    if not ours:
        return ""
    if judgement.standing.report is not None:
        where = (*REPORT_OFF, *where)
    theirs = (*theirs, *(o for o in ours if _is_common(o) and o not in theirs))
    ours_alone = [override for override in ours if override not in theirs]
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


def _overrides(arm: ArmRuns) -> tuple[str, ...]:
    newest = max(arm.records, key=lambda record: record.started)
    own = tuple(o for o in newest.overrides if root_of(o) not in FILED or o.startswith(CACHE))
    campaign = any(o.lstrip("+").startswith("sweeps=") for o in own)
    return (*own, *ARMS_OFF) if campaign else own


def _is_common(override: str) -> bool:
    return root_of(override) in COMMON or override.startswith(CACHE)


def _makes_an_arm(override: str) -> bool:
    return override.lstrip("+~").startswith(("idea=", "ideas."))

"""What to do after a verdict: a sentence, and the command where there is one."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from audition.answers.arms import other_length, unlike, untested
from audition.answers.commands import commands, overrides_of, sweep_of_both, with_configs
from audition.answers.judgement import Judgement
from audition.command_line import audition_command, train_command
from audition.config.root import more_seeds
from audition.errors import AuditionError
from audition.stats.claim import Claimed
from audition.stats.power import seeds_to_settle
from audition.text import count, duration, in_unit, plain_level

FRESH = 5
"""Seeds that a confirmation runs, as many as a race."""
FEWEST = 3
"""The fewest seeds that a comparison should have."""
MOST = 20
"""The most seeds that a command lists; beyond that the next step is `audition power`."""


@dataclass(frozen=True)
class NextStep:
    """A suggested next step, and its command; empty where there is none."""

    text: str
    command: str


def next_step(judgement: Judgement, root: Path) -> NextStep:
    """The next step after a verdict from the ledger at `root`."""
    step = _next_step(judgement, root)
    return replace(step, command=with_configs(step.command, judgement, root))


def confirmation(judgement: Judgement, root: Path, many: int | None = None) -> str:
    """The command that trains both arms on `many` fresh seeds, in a ledger of their own.

    By default as many as the next step names: FRESH to confirm, as many as settle it, and MOST at
    most, where it is open. Raises AuditionError where the records do not say how their arm was typed.
    """
    settling = FRESH if _is_shown(judgement) else min(_needed(judgement) or FRESH, MOST)
    command = _confirm(judgement, root, many or max(FRESH, settling)).command
    if not command:
        raise AuditionError(
            f"the records of {judgement.arm.name} do not say how it was typed, so it cannot be "
            "trained again"
        )
    return with_configs(command, judgement, root)


def _next_step(judgement: Judgement, root: Path) -> NextStep:
    c = judgement.comparison
    if judgement.standing.elsewhere:
        return NextStep(_elsewhere(judgement), "")
    if judgement.weight and judgement.standing.expects != "better" and c.verdict != "invalid":
        return _of_claim(judgement, root)
    if any(x.is_control for x in judgement.claims) and other_length(
        judgement.arm, judgement.baseline
    ):
        return NextStep(
            "it is a control of another length; the report draws what it costs",
            audition_command("report", root),
        )
    match c.verdict:
        case "invalid" if unlike(judgement.arm, judgement.baseline):
            again = commands(judgement, root)
            return NextStep("train both alike, in a ledger of their own", again[0] if again else "")
        case "invalid" if untested(judgement.arm, judgement.baseline):
            return NextStep("train longer, or with events closer together", "")
        case "invalid" if any(r.status == "diverged" for r in judgement.baseline.records):
            return NextStep("see why the baseline diverged", audition_command("runs", root))
        case "invalid":
            own = overrides_of(judgement.arm)
            look = train_command(*own, "--cfg", "job") if own else ""
            return NextStep("see whether the setting reaches the run", look)
        case "refuted" if c.kind == "unstable":
            return NextStep("see where its runs diverged", audition_command("runs", root))
        case "refuted" | "inconclusive" if any(x.word == "supported" for x in judgement.claims):
            return NextStep(
                "what is claimed of it holds; the report draws what it costs",
                audition_command("report", root),
            )
        case "refuted" | "inconclusive" if _own(judgement):
            return _of_costs(judgement, root)
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


def _own(judgement: Judgement) -> list[Claimed]:
    """What is claimed of the costs of an arm, where it is no control."""
    return [claim for claim in judgement.claims if not claim.is_control]


def _is_open(claim: Claimed) -> bool:
    """Whether further seeds may support a claim."""
    return claim.word == "inconclusive" and (claim.gain.n < 2 or claim.seeds_needed is not None)


def _of_costs(judgement: Judgement, root: Path) -> NextStep:
    """The next step after claims of which none is supported, whatever the loss alone says."""
    needed = _needed(judgement) or FRESH
    if not any(map(_is_open, judgement.claims)):
        traded = any(claim.word == "traded" for claim in judgement.claims)
        told = "it is cheaper and worse" if traded else "what is claimed of it does not hold"
    elif needed <= MOST:
        return _confirm(judgement, root, max(needed, FRESH))
    else:
        told = f"what is claimed of it takes about {needed:,} seeds an arm"
    return NextStep(f"{told}; the report draws what it costs", audition_command("report", root))


def _of_claim(judgement: Judgement, root: Path) -> NextStep:
    """The next step after a registered test of a claim that an arm is worse, or no different."""
    if judgement.weight == "open":
        return _settle(judgement, root)
    if judgement.weight == "for" and judgement.comparison.tier != "confirmed":
        return _confirm(judgement, root)
    held = "it held on fresh seeds" if judgement.weight == "for" else "the claim does not hold here"
    return NextStep(f"{held}; the report shows all of it", audition_command("report", root))


def _elsewhere(judgement: Judgement) -> str:
    """The next step with runs that are trained elsewhere."""
    c, how = judgement.comparison, judgement.measure
    if c.verdict == "supported":
        return f"confirm it on {FRESH} fresh seeds"
    if c.verdict == "inconclusive" and c.seeds_needed is not None and c.seeds_needed > c.n:
        gained = in_unit(plain_level(c.sesoi, how), how)
        return f"{c.seeds_needed:,} seeds an arm show a gain of {gained}, the smallest that counts"
    if c.verdict == "invalid":
        return "mend what makes it invalid, and judge again"
    if c.kind == "unstable":
        return "see where its runs diverged"
    if c.verdict == "inconclusive":
        few = max(FEWEST, c.n + 1) if c.n < FEWEST else 0
        return (
            f"train both arms on {few} seeds or more" if few else f"train {FRESH} fresh seeds more"
        )
    return "drop it or change it"


def _confirm(judgement: Judgement, root: Path, many: int = FRESH) -> NextStep:
    """Fresh seeds in a ledger of their own, which alone judge: in the old one they would count as
    added after a look.
    """
    seeds, alpha = _further(judgement, many), _alpha(judgement)
    seconds = many * sum(side.mean("seconds") for side in (judgement.arm, judgement.baseline))
    does = "confirm" if _is_shown(judgement) else "settle"
    looked = alpha < judgement.comparison.alpha
    again = (
        f": registered before they run, they alone judge, as planned, at half the error of this look "
        f"(α = {alpha:g}), so that all looks together err in less than twice that of the first"
    )
    return NextStep(
        f"{does} it on {many} fresh seeds, in a ledger of its own ({_price(2 * many, seconds)})"
        + again * looked,
        sweep_of_both(
            judgement,
            seeds,
            "hydra.sweeper.confirm=true",
            *([f"analysis.alpha={alpha:g}"] if looked else []),
            f"paths.output_dir={_own_ledger(root)}",
        ),
    )


def _is_shown(judgement: Judgement) -> bool:
    """Whether these seeds show what was asked, so that others can confirm it."""
    return judgement.comparison.verdict == "supported" or judgement.weight == "for"


def _alpha(judgement: Judgement) -> float:
    """The error of a verdict on fresh seeds: half of the last where that could have been a success.

    The looks at one question then err in α + α/2 + α/4 + … < 2 α in all (Bonferroni). A success is
    confirmed at the same α, since both have to be one.
    """
    c = judgement.comparison
    is_open = c.verdict == "inconclusive" or judgement.weight == "open"
    is_open |= c.verdict == "refuted" and any(map(_is_open, _own(judgement)))
    return c.alpha / 2 if is_open and c.n > 1 else c.alpha


def _needed(judgement: Judgement) -> int | None:
    """Fresh seeds an arm that settle the question, as the only idea and at the error of that look."""
    c = judgement.comparison
    if claims := [claim for claim in _own(judgement) if _is_open(claim)]:
        return max(claim.seeds_needed or FRESH for claim in claims)
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
        what = "gain" if judgement.standing.expects in (None, "better") else "difference"
        gained = 2 * c.sesoi  # a gain of just what counts is supported in half of the cases at most
        return NextStep(
            f"a {what} of {in_unit(plain_level(gained, how), how)}, twice what counts, takes "
            f"{needed:,} fresh seeds an arm ({_price(2 * needed, seconds)}); see what fewer can show",
            audition_command(f"power --gain {gained:.3g}", root),
        )
    return _confirm(judgement, root, max(needed or FRESH, FRESH))


def _price(runs: int, seconds: float) -> str:
    return f"{count(runs, 'more run')}, about {duration(seconds)} of one worker"


def _further(judgement: Judgement, many: int) -> tuple[int, ...]:
    """`many` seeds that neither arm has run."""
    ran = {*judgement.arm.seeds, *judgement.baseline.seeds}
    return more_seeds(ran, many)

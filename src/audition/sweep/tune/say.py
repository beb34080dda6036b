"""What tuning prints: how much there is to do, each arm at its best, and the gain before and after."""

from collections.abc import Hashable, Sequence
from math import isfinite

from rich.text import Text

from audition.answers import Judgement
from audition.console import console, say, table
from audition.measure import Measure
from audition.records.tuned import Contender, Try, Tuned
from audition.stats import compare_campaign
from audition.sweep.plan import PlannedRun
from audition.sweep.say import how
from audition.text import UNDEFINED, count, gain, gain_interval, plain_level


def say_screening(name: str, arms: int, runs: Sequence[PlannedRun], missing: int) -> None:
    """Before the first trial: how much there is to do."""
    say(
        f"tuning {count(arms, 'arm')} in {name}, the baseline as much as its rivals: "
        f"{count(len(runs), 'run')}, {len(runs) - missing} in the ledger, {missing} to train "
        f"{how(runs)}."
    )


def say_contenders(tuned: Tuned) -> None:
    """Each arm at its default and at its best, by the seeds that chose it."""
    rows = []
    for contender in tuned.contenders:
        best, default = contender.best(tuned.seeds), contender.tries[0]
        edge = contender.edge(tuned.seeds)
        rows.append(
            (
                contender.name,
                str(len(contender.tries)),
                _level(default.mean, tuned.measure),
                _level(best.mean, tuned.measure) if best else "diverged",
                (" ".join(best.overrides) or "its default") if best else UNDEFINED,
                Text(f"the {edge} tried" if edge else "", "yellow"),
            )
        )
    console().print(table(("arm", "trials", "at its default", "at its best", "which is", ""), rows))
    edges = [c.name for c in tuned.contenders if c.edge(tuned.seeds)]
    if edges and tuned.lattice:
        more = max(len(c.tries) for c in tuned.contenders) + 2
        say(
            f"The best of {' and '.join(edges)} is the last value tried, so there may be a better one "
            f"beyond: tuning.trials={more} looks further, for every arm."
        )


def say_gains(judgements: Sequence[Judgement], tuned: Tuned) -> None:
    """Under each verdict: what the same arms came to before anybody tuned them."""
    base = tuned.contenders[0]
    by_best = {
        best.config_hash: contender
        for contender in tuned.contenders[1:]
        if (best := contender.best(tuned.seeds)) is not None
    }
    for judgement in judgements:
        contender = by_best.get(judgement.arm.config_hash)
        if contender is not None and (text := untuned(base, contender, tuned.measure)):
            fresh, how = judgement.comparison, tuned.measure
            say(
                f"{contender.name}: {text}; each at its best, on fresh seeds, "
                f"{gain(fresh.improvement, how)} {gain_interval(fresh.ci, how)}."
            )


def untuned(base: Contender, rival: Contender, how: Measure) -> str:
    """The rival's gain at default settings on the seeds that tuned; empty where it has none."""
    theirs, ours = _finite(base.tries[0]), _finite(rival.tries[0])
    if len(theirs.keys() & ours.keys()) < 2:
        return ""
    (c,) = compare_campaign(theirs, {rival.name: ours}, detail=False)
    many = count(c.n, "screening seed")
    return f"at default settings, on {many}, {gain(c.improvement, how)} {gain_interval(c.ci, how)}"


def _level(loss: float, how: Measure) -> str:
    """A mean in the metric's own direction."""
    return plain_level(how.as_loss(loss), how) if isfinite(loss) else "diverged"


def _finite(tried: Try) -> dict[Hashable, float | None]:
    return {seed: loss for seed, loss in tried.losses.items() if loss is not None}

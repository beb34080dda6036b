"""The state of a plan's runs in the terminal: for `audition status`, and live for `watch`."""

from collections.abc import Sequence
from math import isfinite, nan
from statistics import fmean, stdev

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from audition.answers.campaign import WORDS, RunState, seconds_left, tally
from audition.answers.live_runs import LiveRun
from audition.console import console, table
from audition.measure import Measure
from audition.records.metrics import TRAINING
from audition.records.registration import Registration
from audition.text import UNDEFINED, axis, count, number, places, plain_level, roughly

MOST = 24
"""The most runs of one kind that are listed; the others are counted."""
LISTED = ("running", "queued", "interrupted", "failed", "diverged")
"""States whose runs are listed with a reason."""


def show_campaign(plan: Registration, states: Sequence[RunState]) -> None:
    """Print the plan, the state of its runs, and an estimate of the time left."""
    console(160).print(progress(plan, states))


def progress(
    plan: Registration, states: Sequence[RunState], running: Sequence[LiveRun] | None = None
) -> Group:
    """The same as one rich renderable; with `running`, their values beside the baseline's."""
    parts: list[RenderableType] = [
        Text(f"plan {plan.digest()}  {plan.command}", style="dim", no_wrap=True),
        _arms(states, plan.metric),
    ]
    if running:
        parts += [Text(), _running(running[:MOST])]
        if len(running) > MOST:
            parts.append(Text(f"... and {count(len(running) - MOST, 'run')} more"))
    live = {id(each.state) for each in running or ()}
    for word in LISTED:
        own = [s for s in states if s.word == word and s.detail and id(s) not in live]
        for state in own[:MOST]:
            lost = word == "running" and running is not None
            said = (
                "was lost while it ran: its process is gone" if lost else f"{word}: {state.detail}"
            )
            parts.append(Text(f"{state.arm} seed {state.seed} {said}"))
        if len(own) > MOST:
            parts.append(Text(f"... and {count(len(own) - MOST, 'run')} more {word}"))
    left = seconds_left(states)
    if left is not None:
        parts.append(Text(f"about {roughly(left)} left", style="bold"))
    return Group(*parts)


def _arms(states: Sequence[RunState], metric: str) -> Table:
    """A line an arm: how many of its runs are in each state, and the result of the finished ones."""
    counts = tally(states)
    used = [word for word in WORDS if any(each[word] for each in counts.values())]
    level = _heading([s.record.measure(metric) for s in states if s.record])
    return table(
        ("arm", *(f">{word}" for word in used), level),
        (
            (arm, *(str(each[word] or UNDEFINED) for word in used), _level(states, arm, metric))
            for arm, each in counts.items()
        ),
    )


def _heading(measures: Sequence[Measure]) -> str:
    """The measure's label and unit, where there is one measure."""
    named = {axis(measure) for measure in measures}
    return named.pop() if len(named) == 1 else "held out"


def _level(states: Sequence[RunState], arm: str, metric: str) -> str:
    """Mean and spread of the arm's finished runs."""
    records = [s.record for s in states if s.arm == arm and s.word == "finished" and s.record]
    values = [x for r in records if isfinite(x := r.metrics.get(metric, nan))]
    if not values:
        return UNDEFINED
    how = records[0].measure(metric)
    spread = f" ± {plain_level(stdev(values), how)}" if len(values) > 1 else ""
    return f"{plain_level(fmean(values), how)}{spread}"


def _running(running: Sequence[LiveRun]) -> Table:
    read = [run.latest.meters() for run in running]
    meters = list(dict.fromkeys(name for each in read for name in each))
    return table(
        ("running", "", "training loss", _heading([run.measure for run in running]), *meters),
        (
            (
                f"{run.state.arm} seed {run.state.seed}",
                run.state.detail,
                run.beside(TRAINING),
                run.beside(run.held_out, f".{min(3, places(run.measure))}f"),
                *(number(metered.get(name, nan), ".3g") for name in meters),
            )
            for run, metered in zip(running, read, strict=True)
        ),
    )

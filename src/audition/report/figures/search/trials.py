"""What every figure of a search says of its trials: their values, their branches, how many."""

from collections.abc import Mapping
from math import inf, isfinite
from statistics import quantiles

from matplotlib.axis import Axis

from audition.answers.searches import STATES
from audition.measure import Measure
from audition.records.studies import Account, Parameter, State, Trial
from audition.text import axis

SAID: Mapping[State, str] = {
    "whole": "filled: on all seeds",
    "given up": "hollow: given up, the mean over the seeds it had",
    "under way": "grey: under way",
    "diverged": "×: diverged",
    "failed": "upright stroke: failed",
}
"""How a figure shows a trial of each state, in words."""
MOST_BRANCHES = 4
"""Looks that there are for branches; further ones begin again with the first."""


def label_of(account: Account, objective: str) -> str:
    """What an axis of that objective is called."""
    return axis(account.measure(objective))


def turn(axis: Axis, how: Measure) -> None:
    """Have an axis, on which losses are drawn, read in the measure's own direction.

    Where higher is better the axis is turned over, so that numbers rise along it as usual.
    """
    if how.better == "higher":
        axis.set_inverted(True)
        axis.set_major_formatter(lambda loss, _: f"{how.as_loss(loss) + 0.0:g}")


def value_of(trial: Trial, objective: int) -> float | None:
    """The number that a trial is drawn at, a loss; None where it has none."""
    value = trial.mean(objective)
    return value if value is not None and isfinite(value) else None


def finite_seeds(trial: Trial, objective: int) -> list[float]:
    """What each seed of a trial came to, where that is a number."""
    return [each[objective] for each in trial.seeds.values() if isfinite(each[objective])]


def window(account: Account, objective: int) -> tuple[float, float]:
    """An axis that holds the best trials and the default; far worse ones go into the strip."""
    drawn = [t for t in account.trials if value_of(t, objective) is not None]
    means = [value for t in drawn if (value := value_of(t, objective)) is not None]
    if not means:
        return 0.0, 1.0
    seeds = [value for t in drawn for value in finite_seeds(t, objective)]
    low = min(*means, *seeds, inf)
    usual = quantiles(means, n=4)[2] if len(means) > 1 else means[0]
    if account.default is not None:
        usual = max(usual, account.default.values[objective])
    far = low + 2.0 * (usual - low)
    high = min(max(*means, *seeds, -inf), far) if far > low else max(*means, *seeds, -inf)
    margin = 0.06 * (high - low) or 0.01 * (abs(high) or 1.0)
    return low - margin, high + margin


def branch_of(account: Account) -> Mapping[int, int]:
    """Trial -> the number of its branch of the outermost fork; 0 for all where nothing forks."""
    fork = fork_of(account)
    if fork is None:
        return {trial.number: 0 for trial in account.trials}
    return {
        trial.number: fork.choices.index(trial.params[fork.name]) % MOST_BRANCHES
        if fork.name in trial.params
        else 0
        for trial in account.trials
    }


def fork_of(account: Account) -> Parameter | None:
    """The outermost choice whose branches have parameters of their own."""
    forks = {p.branch.partition("=")[0] for p in account.parameters if p.branch}
    return next((p for p in account.parameters if p.choices and p.key in forks), None)


def marks_said(account: Account) -> str:
    """What the marks of a figure mean, for a caption: of those that there are."""
    states = account.states()
    shown = "; ".join(text for state, text in SAID.items() if states[state])
    rest = [state for state in STATES if state != "whole" and states[state]]
    above = (
        " In the strip above: what is worse than the axis shows, or has no value." if rest else ""
    )
    branches = " Colour and shape: the branch of the space." if fork_of(account) else ""
    return f"Large marks: means over seeds ({shown}); dots: single seeds.{above}{branches}"


def counted(account: Account) -> str:
    """`n = 40 trials (31 whole, 7 given up, 2 diverged) on seeds 42, 137, 256`, for a caption."""
    states = account.states()
    each = ", ".join(f"{states[word]} {word}" for word in (*STATES, "waiting") if states[word])
    many = len(account.trials)
    seeds = ", ".join(map(str, account.seeds))
    noun = "seed" if len(account.seeds) == 1 else "seeds"
    return f"n = {many} trial{'' if many == 1 else 's'} ({each or 'none'}) on {noun} {seeds}"

"""A search as a table: its trials counted, the best of them beside the default, what mattered."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from audition.records.studies import FACTS, Account, Importance, State, Trial
from audition.text import UNDEFINED, count, gain, plain_level

STATES: Sequence[State] = ("whole", "given up", "diverged", "failed", "under way")
BEST = 10
"""Trials that are shown beside the default."""
FLATTERED = (
    "The seeds that chose a trial flatter it: a verdict rests on fresh seeds alone "
    "(audition verdict)."
)


def sentence(account: Account) -> str:
    """`41 trials (25 whole, 16 given up) in 99 runs on seeds 42, 137, 256`."""
    seeds = f"{'seed' if len(account.seeds) == 1 else 'seeds'} {', '.join(map(str, account.seeds))}"
    trials, runs = count(len(account.trials), "trial"), count(account.runs, "run")
    return f"{trials} ({kinds(account)}) in {runs} on {seeds}"


def kinds(account: Account) -> str:
    """`25 whole, 16 given up`."""
    states = account.states()
    return ", ".join(f"{states[w]} {w}" for w in (*STATES, "waiting") if states[w]) or "none"


def columns(account: Account) -> tuple[str, ...]:
    """The headings of the table of best trials."""
    return ("trial", "settings", *account.objectives, f"gain in {account.objectives[0]}", "seeds")


def rows(account: Account, most: int = BEST) -> list[tuple[str, ...]]:
    """The default, the best whole trials, and if there are few the best that were given up.

    A gain is over the default on the same seeds, the mean over those that the trial has.
    """
    default = account.default
    shown = [*([default] if default is not None else []), *account.best(most)]
    given_up = [t for t in account.trials if t.state == "given up" and t.seeds]
    given_up.sort(key=lambda trial: (-_gain(trial, default), trial.number))
    rest = given_up[: max(0, most - len(account.best(most)))]
    return [_row(account, trial, default) for trial in (*shown, *rest)]


def _row(account: Account, trial: Trial, default: Trial | None) -> tuple[str, ...]:
    rival = default is not None and trial is not default
    means = [trial.mean(k) for k in range(len(account.objectives))]
    return (
        str(trial.number),
        "(the default)" if trial.is_default else " ".join(trial.overrides),
        *(
            UNDEFINED if mean is None else told(account, mean, name)
            for mean, name in zip(means, account.objectives, strict=True)
        ),
        gain(_gain(trial, default), account.measure(account.objectives[0])) if rival else UNDEFINED,
        f"{len(trial.seeds)}{'' if trial.state == 'whole' else f', {trial.state}'}",
    )


def _gain(trial: Trial, default: Trial | None) -> float:
    """Gain over the default in the first objective, on the same seeds; without one, minus the mean."""
    level = {} if default is None else default.seeds
    found = [level.get(seed, (0.0,))[0] - values[0] for seed, values in trial.seeds.items()]
    return fmean(found)


def importance_lines(account: Account) -> list[tuple[str, str]]:
    """For each group of trials its heading, and each parameter's share or why there is none."""
    return [
        (
            heading(each),
            ", ".join(
                f"{name.partition('[')[0]} {share:.0%}" for name, share in each.shares.items()
            )
            or f"no shares: {each.why_none}",
        )
        for each in account.importances
    ]


def heading(importance: Importance) -> str:
    """`val_loss, optimizer=muon, 31 trials`."""
    parts = (importance.objective, importance.among, count(importance.trials, "trial"))
    return ", ".join(filter(None, parts))


def told(account: Account, value: float, objective: str) -> str:
    """An objective's value as text: a metric in its own direction, a fact to four digits."""
    how = account.measure(objective)
    return f"{value:,.4g}" if objective in FACTS else plain_level(how.as_loss(value), how)


def trial_value(account: Account, trial: Trial | None) -> str:
    if trial is None:
        return UNDEFINED
    first = account.objectives[0]
    return f"{first} {told(account, trial.values[0], first)} (trial {trial.number})"


def summary(account: Account) -> dict[str, Any]:
    """One search's entry in the list of searches, as data."""
    best = next(iter(account.whole), None)
    return {
        "study": account.name,
        "objectives": list(account.objectives),
        "trials": len(account.trials),
        "states": dict(account.states()),
        "runs": account.runs,
        "best": None if best is None else {"number": best.number, "values": list(best.values)},
        "default": None if account.default is None else list(account.default.values),
        "written": account.written,
    }

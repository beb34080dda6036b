"""The candidates of a search, how much of their screening gain is believed, and what is printed.

The screening seeds chose them, so their gain there is biased upwards; fresh seeds judge them.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import TYPE_CHECKING, Any

from audition.answers import ArmRuns, Judgement, arms_of, unlike
from audition.console import console, say, table
from audition.measure import Measure
from audition.records.store import Ledger
from audition.records.studies import front_of
from audition.stats import compare_campaign
from audition.stats.shrinkage import FEWEST, shrink
from audition.sweep.search.study.study import Study, counts, finite
from audition.text import UNDEFINED, count, gain, gain_interval

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class Candidate:
    """A trial that is worth fresh seeds."""

    number: int
    overrides: tuple[str, ...]
    config_hash: str
    values: tuple[float, ...]  # the objectives on the screening seeds


@dataclass(frozen=True)
class Screened:
    """A candidate's gain on the seeds that chose it, and how much of that is believed, in the
    metric's unit.
    """

    gain: float
    believed: float | None  # None where too few trials ran to say


def candidates(study: Study, default_hash: str, most: int) -> tuple[Candidate, ...]:
    """The best trials, no configuration twice, of those that beat the default on its own seeds.

    Of several objectives: of the Pareto front those that beat it in the first.
    """
    from optuna.trial import TrialState

    whole = [t for t in study.trials if t.state == TrialState.COMPLETE and finite(t)]
    bar = [t.values[0] for t in whole if run_of(t).get("config_hash") == default_hash]
    several = len(study.study.directions) > 1
    front = [whole[i] for i in front_of([t.values for t in whole])] if several else whole
    found: dict[str, Candidate] = {}
    for trial in sorted(front, key=lambda t: (t.values[0], t.number)):
        key = str(run_of(trial).get("config_hash", ""))
        if key and key != default_hash and (not bar or trial.values[0] < min(bar)):
            typed = tuple(run_of(trial)["overrides"])
            found.setdefault(key, Candidate(trial.number, typed, key, tuple(trial.values)))
    return tuple(found.values())[:most]


def run_of(trial: "FrozenTrial") -> dict[str, Any]:
    """What runs a trial was: `overrides`, `config_hash`, `arm`; empty for one never begun."""
    return dict(trial.user_attrs.get("run", {}))


def screened(
    study: Study, default_hash: str, seeds: Sequence[int], ledger: Ledger, metric: str
) -> Mapping[str, Screened]:
    """Config hash -> what each trial gained in `metric` over the default, on the seeds it was given.

    The believed part is the empirical-Bayes estimate over all of them: the more trials and the
    noisier the seeds, the more of the best one's gain is luck. Trials that were given up count with
    the seeds they had; without them the good ones alone would say how good trials are.
    """
    keys = {str(run_of(t).get("config_hash", "")) for t in study.trials if counts(t)}
    arms = {
        key: arm.only(set(seeds)) for key, arm in arms_of(ledger.read().records, metric).items()
    }
    baseline = arms.get(default_hash)
    if baseline is None or len(baseline.losses) < 2:
        return {}
    alike: dict[tuple[Hashable, ...], dict[str, ArmRuns]] = {}
    for key in sorted(keys - {default_hash}):
        shared = [seed for seed in baseline.losses if key in arms and seed in arms[key].losses]
        if len(shared) > 1 and not unlike(arms[key], baseline) and _ended(arms[key]):
            alike.setdefault(tuple(shared), {})[key] = arms[key]
    compared = [
        comparison
        for own, rivals in alike.items()
        for comparison in compare_campaign(
            {seed: baseline.losses[seed] for seed in own},
            {key: arm.losses for key, arm in rivals.items()},
            detail=False,
        )
    ]
    able = [c for c in compared if c.standard_error > 0 and c.verdict != "invalid"]
    believed: dict[str, float] = {}
    if len(able) >= FEWEST:
        drawn = shrink(
            [c.improvement for c in able],
            [c.standard_error for c in able],
            shared=[c.n / (c.n + c.n_baseline) for c in able],
            df=fmean(c.df for c in able),
        )
        believed = {c.idea: effect for c, effect in zip(able, drawn.effects, strict=True)}
    return {c.idea: Screened(c.improvement, believed.get(c.idea)) for c in compared}


def _ended(arm: ArmRuns) -> bool:
    """Whether none of its runs diverged."""
    return all(loss is not None and isfinite(loss) for loss in arm.losses.values())


def say_trials(study: Study, served: int = 0) -> None:
    """How many trials there are of each kind."""
    from optuna.trial import TrialState

    counted = [t for t in study.trials if counts(t)]
    words = {
        TrialState.COMPLETE: "whole",
        TrialState.PRUNED: "given up",
        TrialState.FAIL: "failed",
        TrialState.RUNNING: "under way",
    }
    many = Counter(
        "diverged" if "diverged" in t.user_attrs else words.get(t.state, "") for t in counted
    )
    each = ", ".join(f"{many[word]} {word}" for word in (*words.values(), "diverged") if many[word])
    say(f"study '{study.name}' has {count(len(counted), 'trial')}: {each}.")


def say_unanswered(study: Study, default_hash: str, ranked: Sequence[Candidate]) -> bool:
    """Why no trial was judged on fresh seeds; False where none came to a number at all.

    ranked: the best trials of those that beat the default on the screening seeds.
    """
    whole = [t for t in study.trials if counts(t) and finite(t)]
    if not whole:
        say("no trial came to a number: nothing in the space trains, so there is no answer.")
        return False
    if not ranked:
        say("No trial beat the default on the screening seeds: the default stands.")
        return True
    best = ranked[0]
    defaults = [t.values[0] for t in whole if run_of(t).get("config_hash") == default_hash]
    gained = f"{min(defaults) - best.values[0]:.4g}" if defaults else ""
    what = f"beat the default by {gained} " if gained else "is the best of those tried "
    say(
        f"Trial {best.number} ({' '.join(best.overrides)}) {what}on the screening seeds, which chose "
        "it; with hydra.sweeper.candidates=0 it was not judged on fresh ones."
    )
    return True


def say_candidates(
    candidates: Sequence[Candidate],
    screening: Mapping[str, Screened],
    judgements: Sequence[Judgement],
) -> None:
    """Each candidate's gain where it was chosen, what of it is believed, and that on fresh seeds."""
    fresh = {j.arm.config_hash: j.comparison for j in judgements}
    how = judgements[0].measure if judgements else Measure("", "")
    rows = []
    for candidate in candidates:
        seen, c = screening.get(candidate.config_hash), fresh.get(candidate.config_hash)
        rows.append(
            (
                str(candidate.number),
                " ".join(candidate.overrides),
                gain(seen.gain, how) if seen else UNDEFINED,
                gain(seen.believed, how) if seen and seen.believed is not None else UNDEFINED,
                f"{gain(c.improvement, how)} {gain_interval(c.ci, how)}" if c else "no outcome",
                c.verdict if c else "",
            )
        )
    headings = (
        "trial",
        "overrides",
        "screening gain",
        "of it believed",
        "on fresh seeds",
        "verdict",
    )
    console().print(table(headings, rows))

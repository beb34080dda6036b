"""What a search says: what it will do, what came of its trials, and the line that makes its answer."""

from collections import Counter
from collections.abc import Mapping, Sequence

from audition.answers import Judgement
from audition.console import console, say, table
from audition.measure import Measure
from audition.sweep.search.answer import Candidate, Screened, run_of
from audition.sweep.search.study.study import Study, counts, finite
from audition.text import UNDEFINED, count, gain, gain_interval


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

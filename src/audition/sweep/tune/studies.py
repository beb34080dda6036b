"""Every entrant tuned by a study of its own: for several keys at once, or a whole space."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audition.errors import AuditionError
from audition.sweep.executors import LocalExecutor
from audition.sweep.search.answer import run_of
from audition.sweep.search.make_trials import make_trials, study_name
from audition.sweep.search.settings import SearchSettings
from audition.sweep.search.study.study import Study
from audition.sweep.tune.entrants import Entrant, Trial
from audition.sweep.tune.lattice import span

STEM = "tune"
Describe = Callable[[Entrant], Mapping[str, Any]]
"""The space that an entrant is tuned in, as a config describes one."""


def around_defaults(keys: Sequence[str], factor: float) -> Describe:
    """Every key from two steps under to two steps over what it is for that entrant."""

    def describe(entrant: Entrant) -> Mapping[str, Any]:
        return {key: span(key, entrant.at(key), factor) for key in keys}

    return describe


def studied(
    entrants: Sequence[Entrant], describe: Describe, trials: int, executor: LocalExecutor
) -> dict[str, tuple[Trial, ...]]:
    """Name -> the trials of its study, the default first; each study has so many.

    Raises AuditionError, before the first run, for a space that an entrant cannot have.
    """
    ready: list[tuple[Entrant, SearchSettings]] = []
    for entrant in entrants:
        space = describe(entrant)
        try:
            points = entrant.points.searched(space)
        except AuditionError as error:
            raise AuditionError(f"tune= cannot tune {entrant.name}: {error}") from None
        ready.append((Entrant(entrant.name, points), SearchSettings(space=space, trials=trials)))
    found = {}
    for entrant, wanted in ready:
        name = study_name(wanted, entrant.points, STEM)
        found[entrant.name] = _trials(make_trials(wanted, entrant.points, name, executor), entrant)
    return found


def _trials(study: Study, entrant: Entrant) -> tuple[Trial, ...]:
    """Those that were begun, each configuration once."""
    unlike: dict[str, Trial] = {}
    for trial in study.trials:
        if not (run := run_of(trial)):
            continue
        typed = tuple(run["overrides"])
        runs = entrant.points.runs(typed)
        unlike.setdefault(runs[0].identity.config_hash, Trial(typed, dict(trial.params), runs))
    start = unlike.pop(entrant.points.start_hash, None)
    return (start or Trial((), {}, entrant.points.runs(())), *unlike.values())

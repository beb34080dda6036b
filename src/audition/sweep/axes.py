"""Which keys can make arms, and which arms can stand against one baseline."""

from collections.abc import Iterable, Mapping
from typing import Any

from audition.answers import LIKE_FOR_LIKE
from audition.budget import Budget
from audition.config.groups import GROUPS, Group, root_of
from audition.config.identity import Identity
from audition.errors import AuditionError

WHAT = {
    "filing": "where runs are filed",
    "watching": "how runs are watched",
    "words": "what is said",
}
"""What a key decides that makes no arm, as a sentence has it."""


def check_axis(key: str) -> None:
    """Raise AuditionError for a swept key whose values make no arms: it decides no number of a run."""
    group = _group(key)
    if group is None or group.decides in ("numbers", "seed"):
        return
    if group.name == "hparams_search":
        raise AuditionError(f"{key} chooses one search, and no arm comes of two: run one by one")
    what = WHAT.get(group.decides, "which runs are made and compared")
    raise AuditionError(f"{key} decides {what}, so its values make no arms: give it one value")


def check_tuned(key: str) -> None:
    """Raise AuditionError for a key that no arm can be tuned in."""
    group = _group(key)
    if "." not in key or group is None:  # a search by its name, or a key that the config lacks
        return
    if group.decides != "numbers":
        raise AuditionError(f"tune={key}: it decides no number of a run, so no value of it is best")
    if group.name == "budget":
        raise AuditionError(
            f"tune={key} would compare runs of unlike length, of which the longest is best: set "
            f"{key} to one value"
        )


def check_searched(key: str) -> None:
    """Raise AuditionError for a key that no search can try values of."""
    group = _group(key)
    if group is None and root_of(key) == "hydra":
        raise AuditionError(f"space: {key} is Hydra's, and decides no number of a run")
    if group is not None and group.decides == "seed":
        raise AuditionError(
            "space: the seed is no setting to search: every trial is tried on the seeds of seed=..."
        )
    if group is not None and group.decides != "numbers":
        raise AuditionError(f"space: {key} decides no number of a run, so no value of it is best")
    if group is not None and group.name == "budget":
        raise AuditionError(
            f"space: {key} would compare trials of unlike length, of which the longest is best: set "
            f"{key} to one value"
        )


def check_unset(key: str, typed: Iterable[str]) -> None:
    """Raise AuditionError where one of the overrides that all trials share sets a searched key."""
    for word in typed:
        if word.lstrip("+~").partition("=")[0] == key.lstrip("+"):
            raise AuditionError(
                f"{word} is set for every trial, and the space tries other values of it: leave one out"
            )


def comparable(settings: Mapping[str, Any], identity: Identity) -> dict[str, object]:
    """The facts of a run in which arms must agree (`judge.LIKE_FOR_LIKE`), known before it starts."""
    facts = {
        "budget": Budget(**settings["budget"]).ruling(),
        "evaluation": identity.evaluation,
        "device": settings["execution"]["device"],
        "threads": settings["execution"]["threads"],
    }
    assert set(facts) == set(LIKE_FOR_LIKE)
    return facts


def check_alike(arm: str, own: Mapping[str, object], baseline: Mapping[str, object]) -> None:
    """Raise AuditionError where no verdict could compare `arm` with the baseline.

    own, baseline: what `comparable` says of each.
    """
    for fact, value in own.items():
        if value != baseline[fact]:
            raise AuditionError(
                f"arm '{arm}' {_unlike(fact, value, baseline[fact])}: the two could not be compared, "
                "so give both the same, or make a sweep of each"
            )


def _unlike(fact: str, own: object, theirs: object) -> str:
    if fact == "evaluation":
        return (
            "is evaluated on other held-out data than the baseline (data.*, or a model's context)"
        )
    if isinstance(own, Mapping) and isinstance(theirs, Mapping):
        ours, others = (
            " and ".join(f"{fact}.{key}={value}" for key, value in each.items())
            for each in (own, theirs)
        )
        return f"trains for {ours} and the baseline for {others}"
    return f"computes with execution.{fact}={own} and the baseline with {theirs}"


def _group(key: str) -> Group | None:
    root = root_of(key)
    return GROUPS.get(root) or next((g for g in GROUPS.values() if g.folder == root), None)

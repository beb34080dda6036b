"""Which keys may be typed: those that make arms, can be tuned or searched, or that Hydra reads."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import get_type_hints

from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf

from audition.config.groups import GROUPS, Group, root_of
from audition.config.schema import check_node
from audition.errors import AuditionError, choices

DECIDES = {
    "filing": "where runs are filed",
    "watching": "how runs are watched",
    "words": "what is said",
}
"""What a key that makes no arm decides, in the words of a message."""

PLUGINS = ("sweeper", "launcher")
OURS = "hydra_plugins.audition_"


def check_axis(key: str) -> None:
    """Raise AuditionError for a swept key whose values make no arms: it decides no number of a run."""
    group = _group(key)
    if group is None or group.decides in ("numbers", "seed", "deploying"):
        return
    if group.name == "hparams_search":
        raise AuditionError(f"{key} chooses one search, and no arm comes of two: run one by one")
    what = DECIDES.get(group.decides, "which runs are made and compared")
    raise AuditionError(f"{key} decides {what}, so its values make no arms: give it one value")


def check_tuned(key: str) -> None:
    """Raise AuditionError for a key that no arm can be tuned in."""
    group = _group(key)
    if (
        "." in key and group is not None
    ):  # else a search by its name, or a key that the config lacks
        _check_best(f"tune={key}", key, group)


def check_searched(key: str) -> None:
    """Raise AuditionError for a key that no search can try values of."""
    group = _group(key)
    if group is None and root_of(key) == "hydra":
        raise AuditionError(f"space: {key} is Hydra's, and decides no number of a run")
    if group is not None and group.decides == "seed":
        raise AuditionError(
            "space: the seed is no setting to search: every trial is tried on the seeds of seed=..."
        )
    if group is not None:
        _check_best(f"space: {key}", key, group)


def _check_best(what: str, key: str, group: Group) -> None:
    """Raise AuditionError for a key of which no value can be called the best."""
    if group.decides != "numbers":
        raise AuditionError(f"{what} decides no number of a run, so no value of it is best")
    if group.name == "budget":
        raise AuditionError(
            f"{what} would compare runs of unlike length, of which the longest is best: set {key} to "
            "one value"
        )


def check_unset(key: str, typed: Iterable[str]) -> None:
    """Raise AuditionError where one of the overrides that all trials share sets a searched key."""
    for word in typed:
        if word.lstrip("+~").partition("=")[0] == key.lstrip("+"):
            raise AuditionError(
                f"{word} is set for every trial, and the space tries other values of it: leave one out"
            )


def check_one_budget(typed: Iterable[str]) -> None:
    """Raise AuditionError where several budgets are typed: all but one would be passed over."""
    words = (word.lstrip("+").partition("=") for word in typed if root_of(word) == "budget")
    given = {key: value for key, _, value in words if "." in key}
    ruling = [f"{key}={value}" for key, value in given.items() if value not in ("", "null")]
    if len(ruling) > 1:
        raise AuditionError(
            f"{' and '.join(ruling)} are both set: choose one, and leave the other out"
        )


def _group(key: str) -> Group | None:
    root = root_of(key)
    return GROUPS.get(root) or next((g for g in GROUPS.values() if g.folder == root), None)


def check_hydra(hydra: DictConfig) -> None:
    """Raise AuditionError for a key of Hydra's own node that nobody reads, or a value out of range.

    Hydra lets `+` add any key to its node, and hands the settings of a sweeper or a launcher to its
    constructor unchecked. Of other people's plug-ins the keys are those of the class they register,
    where they do; their values are left to them.
    """
    _check_keys(OmegaConf.to_container(hydra), HydraConf, "hydra")
    for name in PLUGINS:
        node = hydra.get(name)
        if not isinstance(node, DictConfig):
            continue
        if str(node.get("_target_")).startswith(OURS):
            check_node(OmegaConf.to_container(node, resolve=True), f"hydra.{name}", None)
        elif is_dataclass(kind := OmegaConf.get_type(node)):
            known = {field.name for field in fields(kind)}
            for key in map(str, set(node) - known):
                raise AuditionError(f"unknown key 'hydra.{name}.{key}'{choices(key, known)}")


def _check_keys(node: object, kind: type, where: str) -> None:
    kinds = get_type_hints(kind)
    known = {field.name for field in fields(kind)} - {"defaults"}
    if kind is HydraConf:
        known.add("env")  # a group that adds nothing, and so no field
    for key, inner in node.items() if isinstance(node, Mapping) else ():
        if key not in known:
            raise AuditionError(f"unknown key '{where}.{key}'{choices(key, known)}")
        if key in kinds and is_dataclass(kinds[key]):
            _check_keys(inner, kinds[key], f"{where}.{key}")

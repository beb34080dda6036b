"""What may be typed below `hydra.`: keys that something reads, and values that a plug-in takes."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import get_type_hints

from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf

from audition.config.schema import check_node
from audition.errors import AuditionError, choices

PLUGINS = ("sweeper", "launcher")
OURS = "hydra_plugins.audition_"


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

"""Plain trees of settings: laid over each other, set by overrides, their references filled in."""

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf

Tree = dict[str, Any]


class Unlike(Exception):
    """A composition that is Hydra's own to make."""


def lay(tree: Tree, over: Tree) -> None:
    """Merge as OmegaConf does: mappings key by key, all else in the place of what was there."""
    for key, value in tree.items():
        there = over.get(key)
        if value == "???" and key in over:
            continue
        if isinstance(value, dict) and isinstance(there, str) and "${" in there:
            raise Unlike
        if isinstance(value, dict) and isinstance(there, dict):
            lay(value, there)
        else:
            over[key] = deepcopy(value)


def set_by_hydra(whole: Tree, values: Sequence[Override]) -> DictConfig:
    """`whole` with `values`, by Hydra's own function; raises as Hydra does."""
    config = OmegaConf.create(whole)
    OmegaConf.set_struct(config, True)
    ConfigLoaderImpl._apply_overrides_to_config(list(values), config)
    return config


def resolved(config: DictConfig) -> Tree:
    """Plain containers. Raises OmegaConfBaseException where a value is missing or cannot be had."""
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def set_plainly(whole: Tree, values: Sequence[Override]) -> Tree | None:
    """`whole` with plain values in the place of plain values; None where Hydra has more to say."""
    tree = deepcopy(whole)
    for override in values:
        *above, last = override.key_or_group.split(".")
        value = override.value()
        node = _at(tree, above)
        simple = override.type is OverrideType.CHANGE and not isinstance(value, dict)
        if not simple or not isinstance(node, dict) or last not in node:
            return None
        if isinstance(node[last], dict):
            return None
        node[last] = value
    try:
        settings = _filled(tree, tree)
    except Unlike:
        return None
    assert isinstance(settings, dict)
    return settings


def _at(tree: Tree, path: Sequence[str]) -> Any:
    node: Any = tree
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return node


def _filled(value: Any, tree: Tree) -> Any:
    """`value` with `${a.b}` replaced by what is there. Raises Unlike for all else that is not plain."""
    if isinstance(value, dict):
        return {key: _filled(each, tree) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, tree) for each in value]
    if value == "???":
        raise Unlike
    if not isinstance(value, str) or "${" not in value:
        return value
    found = re.match(r"\$\{(\w+(?:\.\w+)*)\}([^${}\\]*)$", value)
    there = _at(tree, found[1].split(".")) if found else None
    if found is None or there is None or (found[2] and not isinstance(there, str)):
        raise Unlike
    inner = _filled(there, tree)
    return inner + found[2] if found[2] else inner

"""A chain of effects as the nodes of a config: the way back from values to yaml."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from audition.recipe.effect import Chain, Effect, chained
from audition.recipe.mix import Mix

CHAINED = f"{chained.__module__}.{chained.__qualname__}"
MIX = f"{Mix.__module__}.{Mix.__qualname__}"


def nodes_of(chain: Chain) -> dict[str, Any]:
    """Name -> node of each member, with every setting written out, as `config.root.check` has them.

    Raises TypeError for an effect that is no dataclass: no config has made it.

    Examples:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Halved(Effect):
        ...     much: float = 0.5
        >>> nodes_of(Chain({"halved": Halved()}))["halved"]["much"]
        0.5
    """
    return {name: _node(effect) for name, effect in chain.members.items()}


def typed(nodes: Mapping[str, Any]) -> dict[str, Any]:
    """The nodes as one writes them: a chain in a chain as a mapping, `wet` beside the settings."""
    return {name: _typed(node) for name, node in nodes.items()}


def _typed(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_typed(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("_target_") == CHAINED:
        return typed(value["members"])
    if value.get("_target_") == MIX and "_target_" in value["effect"]:
        mixing = {k: v for k, v in value.items() if k not in ("_target_", "effect")}
        kept = {k: v for k, v in mixing.items() if v != getattr(Mix, k)}
        return {**_typed(value["effect"]), **kept}
    return {k: _typed(v) for k, v in value.items()}


def _node(value: Any) -> Any:
    if isinstance(value, Chain):
        return {"_target_": CHAINED, "members": nodes_of(value)}
    if isinstance(value, Effect) and not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is no dataclass, so its settings are not known")
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        settings = {f.name: _node(getattr(value, f.name)) for f in fields(value) if f.init}
        return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **settings}
    if isinstance(value, tuple | list):
        return type(value)(map(_node, value))
    return {k: _node(v) for k, v in value.items()} if isinstance(value, dict) else value

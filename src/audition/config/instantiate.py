"""Constructs what a node of checked settings names: imports it and fills in the settings.

Nothing is checked or converted here: `config.root.check` did that in the process that planned the
run. So a worker needs no schema, and the messages of the schema are no part of a run's identity.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any


def construct(node: Mapping[str, Any]) -> Any:
    """The object that a node describes, its nested nodes constructed first."""
    return factory(node)()


def factory(node: Mapping[str, Any]) -> "partial[Any]":
    """The node's constructor with its settings filled in; the caller passes positional ones."""
    settings = {name: _value(value) for name, value in node.items() if name != "_target_"}
    return partial(find(str(node["_target_"])), **settings)


def find(target: str) -> Callable[..., Any]:
    """Import what a dotted `_target_` names."""
    module, _, name = target.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _value(value: Any) -> Any:
    """A setting as its constructor gets it: lists, which JSON made of tuples, are tuples again."""
    if isinstance(value, Mapping):
        return construct(value) if "_target_" in value else {k: _value(v) for k, v in value.items()}
    return tuple(map(_value, value)) if isinstance(value, list | tuple) else value

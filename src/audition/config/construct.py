"""From a config node to the thing it names: a value at once, or a factory that awaits the house."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from audition.config.schema import normalise


def construct(node: Mapping[str, Any]) -> Any:
    """The object that a checked node describes, its nested nodes constructed first."""
    return factory(node)()


def factory(node: Mapping[str, Any]) -> "partial[Any]":
    """The node's constructor with its settings filled in; positional ones come from the house."""
    settings = normalise(node)
    target = find(str(settings.pop("_target_")))
    return partial(target, **{name: _value(value) for name, value in settings.items()})


def find(target: str) -> Callable[..., Any]:
    """Import what a dotted `_target_` names."""
    module, _, name = target.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _value(value: Any) -> Any:
    return construct(value) if isinstance(value, Mapping) and "_target_" in value else value

"""From `module:function` to the function that a child calls."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from audition.errors import AuditionError, choices

Report = Callable[[dict[str, Any]], None]
Entry = Callable[[dict[str, Any], Report], int | None]
Prepare = Callable[[dict[str, Any]], object]


def find_entry(entry: str) -> Entry:
    """Import the module and take the function; raises AuditionError where either is missing."""
    module_name, _, function = entry.partition(":")
    try:
        module = import_module(module_name)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise AuditionError(f"entry '{entry}' cannot be imported: {why}") from error
    found = getattr(module, function, None)
    if not callable(found):
        known = [name for name, value in vars(module).items() if callable(value)]
        raise AuditionError(f"entry '{entry}' does not exist{choices(function, known)}")
    return cast(Entry, found)


def find_prepare(entry: str) -> Prepare:
    """The `prepare(payload)` that the entry's module may have, else one that does nothing.

    The server calls it with the first payload of each group, before the child is forked, so that
    what all runs of the group import and read is there for each of them. It must start no thread
    and touch no CUDA, because neither would survive the fork.
    """
    found = getattr(import_module(entry.partition(":")[0]), "prepare", None)
    return cast(Prepare, found) if callable(found) else lambda payload: None

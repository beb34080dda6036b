"""The trackers of a run, opened, and closed however it ends."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from audition.config.instantiate import factory, find
from audition.observers.checkpoint import Say
from audition.observers.observer import Observer
from audition.trackers.background import BackgroundTracker


@dataclass(frozen=True)
class Watchers:
    """What `logger` names: those that copy `metrics.jsonl`, and a person's own observers."""

    copies: tuple[BackgroundTracker, ...]
    others: tuple[Observer, ...]


@contextmanager
def watching(loggers: Mapping[str, Any], folder: Path, say: Say) -> Iterator[Watchers]:
    """Those that `loggers` (name -> node) describe, for the run in `folder`.

    A run that raises leaves no tracker open, in which the next one of this process would be shown.
    """
    made = {name: factory(node)(folder) for name, node in loggers.items()}
    others = tuple(each for each in made.values() if isinstance(each, Observer))
    copies = tuple(
        BackgroundTracker(f"logger={name}", each, say)
        for name, each in made.items()
        if not isinstance(each, Observer)
    )
    try:
        yield Watchers(copies, others)
    finally:
        for copy in copies:
            copy.end("failed")


def warm(loggers: Mapping[str, Any]) -> None:
    """Import what the trackers among `loggers` need, once for all runs that this process forks."""
    for node in loggers.values():
        needed: Any = getattr(find(str(node["_target_"])), "packages", ())
        for package in needed:
            # A run that lacks it says so itself.
            with suppress(ImportError):
                import_module(package)

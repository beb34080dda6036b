"""Makes Hydra compose in less than half the time, with the same results.

Hydra reads every file of `conf/` anew for each composition, of which a command makes three, and copies
all choices made so far at every file that it comes to. Both are done here only where they are needed.
A later Hydra without these private functions composes at its own pace.
"""

import os
import pickle
from functools import cache
from typing import Any


@cache
def hurry() -> None:
    """Exchange the two functions, once a process."""
    from hydra._internal import defaults_list
    from hydra._internal.sources_registry import SourcesRegistry
    from hydra.core.plugins import Plugins

    if hasattr(defaults_list, "_create_interpolation_map"):
        defaults_list._create_interpolation_map = _map_where_asked(
            defaults_list._create_interpolation_map
        )
    Plugins.instance()  # where Hydra imports what reads files
    source: Any = SourcesRegistry.instance().resolve("file")
    source.load_config = _read_once(source.load_config)


def _map_where_asked(own: Any) -> Any:
    """The table of choices, only for a defaults list that takes a choice from another, by `${...}`."""

    def choices(overrides: Any, defaults: Any, self_added: Any) -> Any:
        asked = any(default.is_interpolation() for default in defaults)
        return own(overrides, defaults, self_added) if asked else None

    return choices


def _read_once(own: Any) -> Any:
    """What a file says, read anew where the file has changed; a copy each time: Hydra edits it."""
    read: dict[tuple[str, str], tuple[tuple[int, ...], bytes]] = {}

    def load_config(self: Any, config_path: str) -> Any:
        path = os.path.join(self.path, self._normalize_file_name(config_path))
        try:
            found = os.stat(path)
        except OSError:
            return own(self, config_path)
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        key = (self.provider, path)
        if key not in read or read[key][0] != state:
            read[key] = state, pickle.dumps(own(self, config_path))
        return pickle.loads(read[key][1])  # a sixth of the time of a deep copy

    return load_config

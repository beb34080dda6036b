"""Campaigns in `sweeps/`, as a group of Hydra's.

Hydra imports every module of this namespace at start-up, so nothing heavy is imported up here.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult

if TYPE_CHECKING:
    pass


class SweepsSource(FileConfigSource):
    """`sweeps:FOLDER` in the search path: the yaml files of a folder, as the group `sweeps`."""

    @staticmethod
    def scheme() -> str:
        return "sweeps"

    def load_config(self, config_path: str) -> ConfigResult:
        return super().load_config(self._inside(config_path))

    def available(self) -> bool:
        return True  # a folder without campaigns is nothing to warn of

    def is_group(self, config_path: str) -> bool:
        return config_path == "" or (config_path == "sweeps" and os.path.isdir(self.path))

    def is_config(self, config_path: str) -> bool:
        return config_path.startswith("sweeps/") and super().is_config(self._inside(config_path))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        if config_path != "sweeps" or results_filter == ObjectType.GROUP:
            return []
        return sorted(path.stem for path in Path(self.path).glob("*.yaml"))

    @staticmethod
    def _inside(config_path: str) -> str:
        return config_path.removeprefix("sweeps/")

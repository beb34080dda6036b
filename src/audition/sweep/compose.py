"""From overrides to plain settings, through Hydra, with the claims of the ideas checked."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from audition.config.chains import opened
from audition.config.shape import check_keys, check_shape, expanded
from audition.config.trust import check_trusted
from audition.errors import AuditionError
from audition.sweep.check import check_claims
from audition.sweep.layers import Composed, Layers
from audition.sweep.resolve_auto import resolve_auto
from audition.sweep.trees import resolved

Compose = Callable[[Sequence[str]], Mapping[str, Any]]
"""Overrides -> the resolved settings of a run, as plain containers."""


@dataclass(frozen=True)
class Composer:
    """Composes runs inside a Hydra application: the same config, other overrides."""

    config_name: str
    hydra_overrides: tuple[str, ...] = ()  # of the application itself, e.g. a search path

    @cached_property
    def _layers(self) -> Layers:
        return Layers(self.config_name, self.hydra_overrides)

    @classmethod
    def of_hydra(cls, hydra: Any) -> "Composer":
        """The composer of the application whose `hydra` node this is."""
        if hydra.job.chdir:
            raise AuditionError(
                "hydra.job.chdir=true would move the runs into a folder of Hydra's, away from the "
                "relative paths of the config: leave it false"
            )
        words = OmegaConf.to_container(hydra.overrides.hydra, resolve=False)
        return cls(hydra.job.config_name, tuple(map(str, words or ())))

    def __call__(self, overrides: Sequence[str]) -> Mapping[str, Any]:
        """Raises AuditionError where two ideas, or an idea and an override, want one part."""
        return self.composed(overrides)[0]

    def composed(self, overrides: Sequence[str]) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """The settings, and the choice of every group."""
        words = opened(overrides)
        found = self._layers(words) or self._by_hydra(words)
        settings = _ready(found.settings, words)
        check_claims(settings.get("ideas") or {}, found.choices, found.folders)
        return settings, found.choices

    def _by_hydra(self, overrides: Sequence[str]) -> Composed:
        config = compose(
            self.config_name, [*self.hydra_overrides, *overrides], return_hydra_config=True
        )
        runtime = config.hydra.runtime
        folders = (source.path for source in runtime.config_sources if source.schema == "file")
        return Composed(_without_hydra(config), runtime.choices, tuple(map(Path, folders)))


@dataclass(frozen=True)
class Application:
    """The Hydra application that a sweep runs in, as Hydra hands it to a sweeper."""

    context: HydraContext
    task: TaskFunction
    config: DictConfig

    @property
    def parser(self) -> OverridesParser:
        """What reads overrides, the names of groups among them."""
        return OverridesParser.create(config_loader=self.context.config_loader)

    @property
    def composer(self) -> Composer:
        """What composes its runs."""
        return Composer.of_hydra(self.config.hydra)

    def choice(self, group: str) -> str | None:
        """The member that was chosen for a group."""
        chosen = self.config.hydra.runtime.choices.get(group)
        return None if chosen is None else str(chosen)

    def launcher(self) -> Launcher:
        """The launcher that was chosen, set up."""
        return Plugins.instance().instantiate_launcher(
            hydra_context=self.context, task_function=self.task, config=self.config
        )


def settings_of(config: DictConfig, words: Sequence[str]) -> dict[str, Any]:
    """The resolved settings of a run: plain containers, without Hydra's own node.

    Every `auto` becomes what will be used, so that it is part of the identity. Raises AuditionError
    where the root lacks what a run needs, holds something else, or allows more code than `words`, the
    overrides that were typed, and the checkout.
    """
    return _ready(_without_hydra(config), words)


def _ready(settings: dict[str, Any], words: Sequence[str]) -> dict[str, Any]:
    check_shape(settings)
    check_trusted(settings["allowed_targets"], words)
    return resolve_auto(expanded(settings))


def _without_hydra(config: DictConfig) -> dict[str, Any]:
    bare = copy(config)  # which shares all that is below: to mask a deep copy takes twice the time
    with open_dict(bare):
        bare.pop("hydra", None)
    root = OmegaConf.to_container(bare)
    assert isinstance(root, dict)
    check_keys({str(key): value for key, value in root.items()})
    return resolved(bare)

"""From overrides to plain settings, through Hydra, with the claims of the ideas checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra import compose
from omegaconf import DictConfig, OmegaConf

from audition.config.groups import GROUPS
from audition.config.mixing import opened
from audition.config.schema import read_constant
from audition.config.shape import check_keys, check_shape, expanded
from audition.errors import AuditionError
from audition.sweep.here import settled

Compose = Callable[[Sequence[str]], Mapping[str, Any]]
"""Overrides -> the resolved settings of a run, as plain containers."""


@dataclass(frozen=True)
class Composer:
    """Composes runs inside a Hydra application: the same config, other overrides."""

    config_name: str
    hydra_overrides: tuple[str, ...] = ()  # of the application itself, e.g. a search path

    @classmethod
    def of_hydra(cls, hydra: Any) -> "Composer":
        """The composer of the application whose `hydra` node this is."""
        if hydra.job.chdir:
            raise AuditionError(
                "hydra.job.chdir=true would move the runs into a folder of Hydra's, away from the "
                "relative paths of the config: leave it false"
            )
        return cls(hydra.job.config_name, tuple(hydra.overrides.hydra))

    def __call__(self, overrides: Sequence[str]) -> Mapping[str, Any]:
        """Raises AuditionError where two ideas, or an idea and an override, want one part."""
        return settings_of(self.config(overrides))

    def config(self, overrides: Sequence[str]) -> DictConfig:
        """The same before it is resolved, with Hydra's own node."""
        config = compose(
            self.config_name, [*self.hydra_overrides, *opened(overrides)], return_hydra_config=True
        )
        runtime = config.hydra.runtime
        ideas = settings_of(config).get("ideas") or {}
        folders = [source.path for source in runtime.config_sources if source.schema == "file"]
        check_claims(ideas, runtime.choices, [Path(path) for path in folders])
        return config


def settings_of(config: DictConfig) -> dict[str, Any]:
    """The resolved settings of a run: plain containers, without Hydra's own node.

    Every `auto` becomes what will be used, so that it is part of the identity. Raises AuditionError
    where the root lacks what a run needs, or holds something else.
    """
    bare = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    check_keys(_plain(OmegaConf.to_container(bare)))
    settings = _plain(OmegaConf.to_container(bare, resolve=True, throw_on_missing=True))
    check_shape(settings)
    return settled(expanded(settings))


def _plain(root: object) -> dict[str, Any]:
    assert isinstance(root, dict)
    return {str(key): value for key, value in root.items()}


def check_claims(
    ideas: Mapping[str, Any], choices: Mapping[str, Any], folders: Sequence[Path]
) -> None:
    """Refuse ideas of which one would silently undo the other, or be undone by an override.

    An idea claims the groups that its yaml overrides, the parts and sections that its yaml sets,
    and the parts that its class names in `claims`.
    """
    owners: dict[str, str] = {}
    for idea, node in ideas.items():
        # `+ideas.x.y=1` without `+idea=x` has no target: `check` says so in a sentence.
        target = node.get("_target_") if isinstance(node, Mapping) else None
        claims = read_constant(target, "claims", ()) if target else ()
        assert isinstance(claims, tuple)
        for part in dict.fromkeys(
            (*group_overrides(idea, folders), *_set_by(idea, folders), *claims)
        ):
            if part in owners:
                raise AuditionError(
                    f"ideas '{owners[part]}' and '{idea}' both change the {part}: "
                    f"run them as two arms, +idea={owners[part]},{idea}"
                )
            owners[part] = idea
    for idea in ideas:
        for group, choice in group_overrides(idea, folders).items():
            if choices.get(group) != choice:
                raise AuditionError(
                    f"idea '{idea}' needs {group}={choice}, and {group}={choices.get(group)} is "
                    "asked for beside it: leave one out"
                )


def group_overrides(idea: str, folders: Sequence[Path]) -> dict[str, str]:
    """`{"optimizer": "muon"}` for an idea whose yaml says `override /optimizer: muon`."""
    entries = _yaml_of(idea, folders).get("defaults", [])
    return {
        key.removeprefix("override ").strip().lstrip("/"): value
        for entry in entries
        if isinstance(entry, dict)
        for key, value in entry.items()
        if key.startswith("override ")
    }


def _set_by(idea: str, folders: Sequence[Path]) -> list[str]:
    """`["schedule"]` for an idea whose yaml says `schedule: {warmup_steps: 5}`."""
    its_own = {"defaults", "hydra", GROUPS["ideas"].name, GROUPS["cards"].name}
    return [key for key in _yaml_of(idea, folders) if key not in its_own]


def _yaml_of(idea: str, folders: Sequence[Path]) -> Mapping[str, Any]:
    paths = (folder / "idea" / f"{idea}.yaml" for folder in folders)
    found = next((path for path in paths if path.is_file()), None)
    return yaml.safe_load(found.read_text(encoding="utf-8")) or {} if found else {}

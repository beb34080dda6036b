"""From overrides to plain settings, through Hydra, with the claims of the ideas checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra import compose
from omegaconf import DictConfig, OmegaConf

from audition.errors import AuditionError
from audition.machine import gpus
from audition.schema import read_constant

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
        return cls(hydra.job.config_name, tuple(hydra.overrides.hydra))

    def __call__(self, overrides: Sequence[str]) -> Mapping[str, Any]:
        """Raises AuditionError where two ideas, or an idea and an override, want one part."""
        config = compose(
            self.config_name, [*self.hydra_overrides, *overrides], return_hydra_config=True
        )
        runtime = config.hydra.runtime
        plain = settings_of(config)
        folders = [source.path for source in runtime.config_sources if source.schema == "file"]
        check_claims(plain.get("ideas") or {}, runtime.choices, [Path(path) for path in folders])
        return plain


def settings_of(config: DictConfig) -> dict[str, Any]:
    """The resolved settings of a run: plain containers, without Hydra's own node.

    `execution.device=auto` becomes the device that will be used, so that it is part of the identity.
    """
    bare = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    plain = OmegaConf.to_container(bare, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    if plain["execution"].get("device") == "auto":
        plain["execution"]["device"] = "cuda" if gpus() else "cpu"
    return {str(key): value for key, value in plain.items()}


def check_claims(
    ideas: Mapping[str, Any], choices: Mapping[str, Any], folders: Sequence[Path]
) -> None:
    """Refuse ideas of which one would silently undo the other, or be undone by an override.

    An idea claims the groups that its yaml overrides, and the parts its class names in `claims`.
    """
    owners: dict[str, str] = {}
    for idea, node in ideas.items():
        wanted = group_overrides(idea, folders)
        for group, choice in wanted.items():
            made = choices.get(group)
            if made != choice and group not in owners:
                raise AuditionError(
                    f"idea '{idea}' sets {group}={choice} and the command line {group}={made}: "
                    "leave one out"
                )
        claims = read_constant(node["_target_"], "claims", ())
        assert isinstance(claims, tuple)
        for part in (*wanted, *claims):
            if part in owners:
                raise AuditionError(
                    f"ideas '{owners[part]}' and '{idea}' both replace the {part}: "
                    "run them as two arms"
                )
            owners[part] = idea


def group_overrides(idea: str, folders: Sequence[Path]) -> dict[str, str]:
    """`{"optimizer": "muon"}` for an idea whose yaml says `override /optimizer: muon`."""
    for folder in folders:
        path = folder / "idea" / f"{idea}.yaml"
        if path.is_file():
            defaults = yaml.safe_load(path.read_text()).get("defaults", [])
            entries = [entry for entry in defaults if isinstance(entry, dict)]
            return {
                key.removeprefix("override ").strip().lstrip("/"): value
                for entry in entries
                for key, value in entry.items()
                if key.startswith("override ")
            }
    return {}


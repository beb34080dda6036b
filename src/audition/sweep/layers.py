"""Many compositions that differ in values and in choices, at a few milliseconds each.

Hydra takes a third of a second for one composition, most of it for reading files and for its own
node. Arms of a sweep differ in little: which file fills a group, and what a key is set to. So Hydra
says once, for the first of alike command lines, which files are laid over each other in what order;
the others exchange files in that order. Their values are set by Hydra's own function. The first
result of every kind is held against Hydra's whole composition; where it differs, or where anything
is out of the ordinary, the answer is None, and Hydra composes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra import compose
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from audition.sweep.quick_hydra import hurry
from audition.sweep.trees import Tree, Unlike, lay, resolved, set_by_hydra, set_plainly


@dataclass(frozen=True)
class File:
    """A file of `conf/`: its content, the package that its header names, whether it chooses others."""

    tree: Tree
    package: str | None
    chooses: bool


@dataclass(frozen=True)
class Layer:
    """A file of `conf/`, where in the tree its content goes, and the group that it was chosen for."""

    path: str
    package: str
    group: str


@dataclass(frozen=True)
class Kind:
    """What command lines have in common that choose for the same groups, in whatever way."""

    layers: tuple[Layer, ...]
    choices: Mapping[str, str | None]  # group -> choice, of the first of them


@dataclass(frozen=True)
class Composed:
    """A configuration without Hydra's own node."""

    settings: Tree  # resolved
    choices: Mapping[str, Any]  # group -> choice
    folders: tuple[Path, ...]  # where files were looked for


@dataclass
class Layers:
    """Composes inside a Hydra application; it learns a kind of command line at its first one."""

    config_name: str
    hydra_overrides: tuple[str, ...] = ()
    _known: dict[tuple[str, ...], Kind | None] = field(default_factory=dict)
    _files: dict[str, File] = field(default_factory=dict)
    _repository: CachingConfigRepository | None = None

    def __call__(self, overrides: Sequence[str]) -> Composed | None:
        """The composition of `overrides`; None where it is left to Hydra."""
        hurry()
        try:
            return self._compose([*self.hydra_overrides, *overrides])
        except (Unlike, HydraException, OmegaConfBaseException):
            return None  # what is wrong with it, Hydra says in its own words

    def _compose(self, words: Sequence[str]) -> Composed | None:
        parsed = [_parsed(word) for word in words]
        repository = self._opened(parsed)
        chosen = [o for o in parsed if repository.group_exists(o.key_or_group)]
        own = [o for o in chosen if not o.key_or_group.startswith("hydra/")]
        values = [o for o in parsed if o not in chosen and not o.key_or_group.startswith("hydra.")]
        plain = [o for o in own if self._is_plain(o)]
        rest = [o.input_line or "" for o in chosen if o not in plain]
        choices = {o.key_or_group: str(o.value()) for o in plain}
        packages = {key: self._file(f"{key}/{choice}").package for key, choice in choices.items()}
        shape = (
            *(f"{o.type} {o.key_or_group}" for o in plain),
            *map(str, packages.values()),
            *rest,
        )
        if shape not in self._known:
            self._known[shape] = self._learn(words, chosen, values, repository)
        kind = self._known[shape]
        if kind is None:
            return None
        layers = [
            replace(each, path=f"{each.group}/{choices[each.group]}")
            if each.group in choices
            else each
            for each in kind.layers
        ]
        sources = repository.get_sources()
        folders = tuple(Path(each.path) for each in sources if each.scheme() == "file")
        whole = self._laid(layers)
        settings = set_plainly(whole, values) or resolved(set_by_hydra(whole, values))
        return Composed(settings, {**kind.choices, **choices}, folders)

    def _learn(
        self,
        words: Sequence[str],
        chosen: Sequence[Override],
        values: Sequence[Override],
        repository: CachingConfigRepository,
    ) -> Kind | None:
        """The order of files for the first of a kind; None where they do not make what Hydra makes."""
        found = create_defaults_list(
            repo=repository,
            config_name=self.config_name,
            overrides_list=[*chosen, *values],
            prepend_hydra=True,
            skip_missing=False,
        )
        layers = tuple(
            Layer(str(each.config_path), each.package or "", each.override_key or "")
            for each in found.defaults
            if not str(each.config_path).startswith("hydra/")
        )
        kind = Kind(layers, dict(found.overrides.known_choices))
        return kind if self._is_hydras(kind, words, values) else None

    def _is_hydras(self, kind: Kind, words: Sequence[str], values: Sequence[Override]) -> bool:
        whole = compose(self.config_name, list(words))
        made = set_by_hydra(self._laid(kind.layers), values)
        return OmegaConf.to_container(made) == OmegaConf.to_container(whole)

    def _is_plain(self, override: Override) -> bool:
        """Whether another choice would change nothing of the order of all other files."""
        value = override.value()
        if not isinstance(value, str) or override.is_delete() or override.package:
            return False
        return not self._file(f"{override.key_or_group}/{value}").chooses

    def _laid(self, layers: Sequence[Layer]) -> Tree:
        whole: Tree = {}
        for layer in layers:
            tree = self._file(layer.path).tree
            for step in reversed(layer.package.split(".") if layer.package else ()):
                tree = {step: tree}
            lay(tree, whole)
        whole.pop("hydra", None)
        return whole

    def _file(self, path: str) -> File:
        if path not in self._files:
            assert self._repository is not None
            found = self._repository.load_config(path)
            if found is None or not isinstance(found.config, DictConfig):
                raise Unlike
            tree = OmegaConf.to_container(found.config)
            assert isinstance(tree, dict)
            package, chooses = found.header.get("package"), bool(found.defaults_list)
            self._files[path] = File({str(k): v for k, v in tree.items()}, package, chooses)
        return self._files[path]

    def _opened(self, parsed: Sequence[Override]) -> CachingConfigRepository:
        """The config's files, each of which is read once."""
        if self._repository is None:
            loader = GlobalHydra.instance().config_loader()
            assert isinstance(loader, ConfigLoaderImpl)
            self._repository = CachingConfigRepository(loader.repository)
            loader._process_config_searchpath(self.config_name, list(parsed), self._repository)
        return self._repository


@lru_cache(maxsize=4096)
def _parsed(word: str) -> Override:
    return OverridesParser.create().parse_overrides([word])[0]

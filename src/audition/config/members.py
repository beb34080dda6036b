"""The files of `conf/`: what each group can be chosen from, and what each choice is made of."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from audition.config.chains import needed_by
from audition.config.groups import GROUPS
from audition.config.root import conf_dir

ROOT = "audition.yaml"


@dataclass(frozen=True)
class Member:
    """One file of a group."""

    group: str  # the folder below conf/, which is what one types: `optimizer`, `apoptosis/fitness`
    name: str
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def plain(self) -> Mapping[str, Any]:
        """What the file says, its interpolations unresolved."""
        found = _parsed(self.text)
        return found if isinstance(found, Mapping) else {}

    @property
    def sentence(self) -> str:
        """The comment at the head of the file, in one line."""
        lines: list[str] = []
        for line in self.text.splitlines():
            if line.startswith("# @package"):
                continue
            if not line.startswith("#"):
                break
            lines.append(line.lstrip("# "))
        return " ".join(lines)

    @property
    def package(self) -> str:
        """The node of the config that the file is laid at; empty for the root."""
        first = self.text.partition("\n")[0]
        if first.startswith("# @package "):
            named = first.removeprefix("# @package ").strip()
            return "" if named == "_global_" else named
        return self.group.replace("/", ".")

    @property
    def parts(self) -> tuple["Member", ...]:
        """What the file itself chooses for the groups below its own: `fitness: saliency`."""
        return tuple(
            Member(f"{self.group}/{group}", name, self.path.parent / group / f"{name}.yaml")
            for group, name in _chosen(self.plain.get("defaults", ()))
            if (self.path.parent / group).is_dir()
        )

    @property
    def host(self) -> "Member | None":
        """The first member of the group around its own that has a part of its group."""
        around = self.group.rpartition("/")[0]
        hosts = members(around) if around else ()
        return next((m for m in hosts if any(p.group == self.group for p in m.parts)), None)

    @property
    def included(self) -> tuple["Member", ...]:
        """The members of its own group that it is laid over: `- ema` in its defaults."""
        entries = self.plain.get("defaults", ())
        names = (
            each for each in entries if isinstance(each, str) and re.fullmatch(r"(?!_)\w+", each)
        )
        return tuple(Member(self.group, n, self.path.with_name(f"{n}.yaml")) for n in names)

    @property
    def nodes(self) -> Mapping[str, Mapping[str, Any]]:
        """Dotted place in the config -> node with a `_target_`, the nested ones after their own."""
        found: dict[str, Mapping[str, Any]] = {}
        for each in self.included:
            found |= each.nodes
        found |= {place: {**node, **self._said_of(place)} for place, node in found.items()}
        found |= dict(_nodes(self.plain, self.package))
        for part in self.parts:
            found |= part.nodes
        return found

    def _said_of(self, place: str) -> Mapping[str, Any]:
        """What the file itself sets of a node that another file has."""
        said: Any = self.plain
        for step in place.removeprefix(f"{self.package}.").split("."):
            said = said.get(step) if isinstance(said, Mapping) else None
        return said if isinstance(said, Mapping) else {}

    @property
    def chosen(self) -> str:
        """The override that chooses it: `optimizer=muon`, `+idea=placebo`, `logger=[wandb]`.

        For a part of a part, beside those that choose its `host`.
        """
        if self.host:
            return f"{self.group}={self.name}"
        standing = defaults()
        if self.group not in standing:
            return f"+{self.group}={self.name}"
        several = isinstance(standing[self.group], list)
        return f"{self.group}=[{self.name}]" if several else f"{self.group}={self.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        """What it and its baseline need beside it: the words of an idea's card after its own flag, or
        what the classes of effects say that they act on.
        """
        card = (self.plain.get("cards") or {}).get(self.name) or {}
        said = (
            needed_by(str(n["_target_"])) for n in self.nodes.values() if self.group == "preset"
        )
        places = (f"{place}={value}" for each in said for place, value in each.items())
        return (*str(card.get("flag", "")).split()[1:], *places)

    @property
    def is_default(self) -> bool:
        """Whether a run has it, or its host has it, unless told otherwise."""
        if self.host:
            return self in self.host.parts
        return defaults().get(self.group) == self.name


def members(group: str | None = None) -> tuple[Member, ...]:
    """Every file that may be chosen for `group` (a folder below `conf/`), or for any, in order."""
    groups = shelves() if group is None else (group,)
    return tuple(
        Member(folder, path.stem, path)
        for folder in groups
        for path in sorted((conf_dir() / folder).glob("*.yaml"))
    )


def names(group: str) -> tuple[str, ...]:
    """What one may type for `group`."""
    return tuple(member.name for member in members(group))


def defaults() -> Mapping[str, Any]:
    """Group -> what a run has unless it is told otherwise: a name, or a list of them."""
    root = _parsed((conf_dir() / ROOT).read_text(encoding="utf-8"))
    return dict(_chosen(root["defaults"]))


@cache
def _parsed(text: str) -> Any:
    """The parsed yaml, cached since parsing takes milliseconds: not to be changed."""
    return yaml.safe_load(text)


def shelves() -> tuple[str, ...]:
    """The folders below `conf/` that one chooses from, in the order of the table of groups, each
    followed by those of its parts. Hydra's own are not among them.
    """
    found: list[str] = []
    for group in GROUPS.values():
        if group.choices:
            home = conf_dir() / group.choices
            inner = sorted(p.relative_to(conf_dir()) for p in home.rglob("*") if p.is_dir())
            found += [group.choices, *(path.as_posix() for path in inner)]
    return tuple(found)


def _chosen(entries: Any) -> Iterator[tuple[str, Any]]:
    """(group, choice) of each entry of a defaults list that is no override."""
    for entry in entries:
        if isinstance(entry, Mapping):
            for group, choice in entry.items():
                if not str(group).startswith("override "):
                    yield str(group), choice


def _nodes(value: object, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield where, value
        for key, each in value.items():
            yield from _nodes(each, f"{where}.{key}".lstrip("."))

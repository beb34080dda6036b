"""A setting that holds a part: its annotation is a class, so its node must name that or a kin."""

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from audition.config.schema.annotation import last_name
from audition.config.schema.kinds import Kind, Misfit
from audition.config.schema.lookup import Definition, bases, dotted, find
from audition.config.schema.source import Source
from audition.errors import AuditionError

_ELSEWHERE = frozenset({*sys.stdlib_module_names, "torch"})
"""Packages whose classes are values more often than parts (`Path`, `dtype`): not read here."""


@dataclass(frozen=True)
class Instance:
    """A node whose `_target_` is `of`, a class derived from it, or a function, which may return one.

    Where `of` is a Protocol, any target will do: what it has cannot be told from its bases.
    """

    name: str  # of the setting, which its group of files has too
    of: Definition
    structural: bool

    @property
    def noun(self) -> str:
        return f"a {self.of.node.name}"

    def fit(self, value: object) -> object:
        if not isinstance(value, Mapping) or "_target_" not in value:
            raise Misfit(value, f"is not {self.noun}: choose one by its group, …/{self.name}=NAME")
        target = str(value["_target_"])
        if not (self.structural or _is_kin(find(target), self.of)):
            raise Misfit(target, f"is not {self.noun}", inside="._target_")
        return value


def instance_of(name: str, annotation: ast.expr | None, source: Source) -> Kind | None:
    """The kind of the setting `name` where its annotation is a class of ours or of another package.

    None where it is anything else, or cannot be read.
    """
    if not isinstance(annotation, ast.Name | ast.Attribute):
        return None
    path = dotted(source, annotation)
    if path is None or path.split(".")[0] in _ELSEWHERE:
        return None
    try:
        of = find(path)
    except AuditionError:
        return None
    node = of.node
    if not isinstance(node, ast.ClassDef) or any(last_name(b).endswith("Enum") for b in node.bases):
        return None
    return Instance(name, of, any(last_name(base) == "Protocol" for base in node.bases))


def _is_kin(definition: Definition, of: Definition) -> bool:
    if not isinstance(definition.node, ast.ClassDef) or definition.node is of.node:
        return True
    return any(
        isinstance(base.node, ast.ClassDef) and _is_kin(base, of) for base in bases(definition)
    )

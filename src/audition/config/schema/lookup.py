"""From a dotted target to the class or function it names, through re-exports, by reading only."""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from audition.config.schema.source import (
    Place,
    Source,
    below,
    lazy_names,
    load,
    place,
    statements,
    submodules,
)
from audition.errors import AuditionError, choices

Function = ast.FunctionDef | ast.AsyncFunctionDef

_BARE = frozenset({"torch.nn.Module"})
"""Bases that add no setting and are slow to read."""


@dataclass(frozen=True)
class Definition:
    """A class or function, and the module whose names its text uses."""

    source: Source
    node: ast.ClassDef | Function

    @property
    def name(self) -> str:
        return f"{self.source.name}.{self.node.name}"


@dataclass(frozen=True)
class Names:
    """What a module's own statements bind: definitions, aliases (dotted or to read), `import *`."""

    bound: Mapping[str, ast.ClassDef | Function | ast.expr | str]
    stars: tuple[str, ...]
    types: Mapping[str, ast.expr] = field(default_factory=dict)
    """What is subscripted: `Betas = tuple[float, float]`."""


def find(target: str) -> Definition:
    """The class or function that a dotted target names. Raises AuditionError if there is none."""
    return _find(target, target, frozenset())


def owner(target: str) -> tuple[Place, tuple[str, ...]]:
    """The deepest module on a dotted path, and the names that are left.

    Raises AuditionError where not even the top-level package exists.
    """
    top, *rest = target.split(".")
    here = place(top)
    if here is None:
        raise AuditionError(f"{target} does not exist: there is no package '{top}' to read")
    while rest and (inner := below(here, rest[0])):
        here, rest = inner, rest[1:]
    return here, tuple(rest)


def bases(definition: Definition) -> Iterator[Definition]:
    """The base classes whose source can be reached, in the order written; the library's are not."""
    for expression in definition.node.bases if isinstance(definition.node, ast.ClassDef) else ():
        path = dotted(definition.source, expression)
        if path is None or path in _BARE or path.split(".")[0] in sys.stdlib_module_names:
            continue
        try:
            base = find(path)
        except AuditionError:  # made at run time: what cannot be read adds no setting
            continue
        if base.node is not definition.node:  # `class AdamW(AdamW)` hides the one it extends
            yield base


def dotted(source: Source, expression: ast.expr) -> str | None:
    """The dotted path that a name, attribute or subscripted class stands for in a module."""
    match expression:
        case ast.Name(id=name):
            bound = names(source).bound.get(name)
            if bound is None:
                return None
            return bound if isinstance(bound, str) else f"{source.name}.{name}"
        case ast.Attribute(value=value, attr=attr):
            head = dotted(source, value)
            return None if head is None else f"{head}.{attr}"
        case ast.Subscript(value=value):
            return dotted(source, value)
        case _:
            return None


@lru_cache(maxsize=1024)
def names(source: Source) -> Names:
    """What a module binds at its top level; of two bindings of one name the later wins."""
    bound: dict[str, ast.ClassDef | Function | ast.expr | str] = {}
    stars: list[str] = []
    types: dict[str, ast.expr] = {}
    for node in statements(source.tree.body, scopes=False):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                bound[name] = node
            case ast.AsyncFunctionDef(name=name):
                bound[name] = node
            case ast.Import(names=aliases):
                for alias in aliases:
                    head = alias.name.split(".")[0]
                    bound[alias.asname or head] = alias.name if alias.asname else head
            case ast.ImportFrom(names=aliases):
                module = source.absolute(node)
                stars += [module for alias in aliases if alias.name == "*"]
                bound |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in aliases}
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name() | ast.Attribute()):
                bound[name] = node.value
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript()):
                types[name] = node.value
    bound.pop("*", None)
    return Names({**lazy_names(source), **bound}, tuple(stars), types)


def type_named(source: Source, name: str) -> tuple[Source, ast.expr] | None:
    """What a name of a module is short for, as `Betas` for `tuple[float, float]`, and where it is."""
    known = names(source)
    if name in known.types:
        return source, known.types[name]
    path = known.bound.get(name)
    if not isinstance(path, str) or path.split(".")[0] in sys.stdlib_module_names:
        return None
    module, _, own = path.rpartition(".")
    at = place(module) if module and module != source.name else None
    there = load(at) if at else None
    return type_named(there, own) if there else None


def _find(target: str, path: str, seen: frozenset[str]) -> Definition:
    if path in seen:
        raise AuditionError(f"{target} does not exist: its imports lead back to {path}")
    seen |= {path}
    here, rest = owner(path)
    is_module = not rest
    if is_module:  # `from a.norm import norm` in a/__init__.py hides the module of that name
        parent, _, last = path.rpartition(".")
        above = place(parent) if parent else None
        here, rest = above or here, (last,)
    source = load(here)
    known = names(source) if source else Names({}, ())
    bound = known.bound.get(rest[0]) if len(rest) == 1 else None
    if isinstance(bound, ast.expr) and source:
        bound = dotted(source, bound)
    if isinstance(bound, str) and bound != path:
        return _find(target, bound, seen)
    if source and isinstance(bound, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return Definition(source, bound)
    for module in known.stars if len(rest) == 1 and not is_module else ():
        try:
            return _find(target, f"{module}.{rest[0]}", seen)
        except AuditionError:
            continue
    if is_module:
        raise AuditionError(f"{target} is a module where a class or function is needed")
    raise AuditionError(f"{target} does not exist: {_absence(here, rest, source, known)}")


def _absence(here: Place, rest: tuple[str, ...], source: Source | None, known: Names) -> str:
    if len(rest) > 1 and rest[0] in known.bound:
        return f"no module holds the '{'.'.join(rest[1:])}' of {rest[0]}"
    offered = _offered(here, known, source is not None and source.is_package)
    return f"{here.name} has no '{rest[0]}'{choices(rest[0], offered)}"


def _offered(here: Place, known: Names, is_package: bool) -> set[str]:
    """What a target may name below a module; not the imports of a plain module."""
    own = {
        name
        for name, bound in known.bound.items()
        if not name.startswith("_") and (is_package or isinstance(bound, ast.ClassDef | Function))
    }
    return own | submodules(here)

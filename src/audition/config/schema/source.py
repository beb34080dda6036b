"""Where a dotted module name lies on disk, and its parsed text; nothing is ever imported."""

import ast
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from audition import frozen
from audition.errors import AuditionError
from audition.lazy import names_of


@dataclass(frozen=True)
class Place:
    """A module's file (None for a namespace package) and the folders of its submodules."""

    name: str
    file: Path | None
    folders: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Source:
    """A parsed module. The same text is the same object, so what is read from it can be cached."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def absolute(self, node: ast.ImportFrom) -> str:
        """The dotted module that `from … import` names here, relative dots resolved."""
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        kept = package[: len(package) - (node.level - 1)]
        return ".".join([*kept, node.module] if node.module else kept)


@frozen.cached
def place(name: str) -> Place | None:
    """The place of a dotted module, or None where there is no such Python module."""
    top, *rest = name.split(".")
    here = _top(top)
    for part in rest:
        if here is None:
            return None
        here = below(here, part)
    return here


@frozen.cached
def below(package: Place, part: str) -> Place | None:
    """The place of the submodule `part`, found in Python's own order of preference.

    Names are compared with the folder's listing: asking the file system for `Muon.py` would find
    `muon.py` where case is ignored.
    """
    name = f"{package.name}.{part}"
    bare: list[str] = []
    for folder in package.folders:
        entries = _entries(folder)
        inner = os.path.join(folder, part)
        if part in entries and "__init__.py" in _entries(inner):
            return Place(name, Path(inner, "__init__.py"), (inner,))
        if f"{part}.py" in entries:
            return Place(name, Path(folder, f"{part}.py"), ())
        if part in entries and os.path.isdir(inner):
            bare.append(inner)
    return Place(name, None, tuple(bare)) if bare else None


def submodules(package: Place) -> set[str]:
    """The names of a package's public modules and packages."""
    names: set[str] = set()
    for folder in package.folders:
        for entry in _entries(folder):
            stem, suffix = os.path.splitext(entry)
            inner = os.path.join(folder, entry)
            if suffix == ".py" or "__init__.py" in _entries(inner):
                names.add(stem)
    return {name for name in names if not name.startswith("_")}


def load(at: Place) -> Source | None:
    """The parsed module, or None for a namespace package. Raises AuditionError on bad syntax."""
    return None if at.file is None else _parse(at.name, at.file, frozen.read(at.file))


@lru_cache(maxsize=1024)
def lazy_names(source: Source) -> Mapping[str, str]:
    """Name -> dotted path, of what a module with a `__getattr__` of its own lists in a stub beside it.

    So does `audition`: `from audition import Effect` imports what its `__init__.pyi` says.
    """
    stub = source.path.with_suffix(".pyi")
    made = (node for node in statements(source.tree.body, scopes=False))
    if not any(isinstance(n, ast.FunctionDef) and n.name == "__getattr__" for n in made):
        return {}
    return names_of(ast.parse(frozen.read(stub))) if stub.is_file() else {}


def statements(body: Iterable[ast.stmt], *, scopes: bool) -> Iterator[ast.stmt]:
    """Every statement in a body and its blocks, save those that only a type checker reads.

    `scopes` also enters functions and classes.
    """
    for node in body:
        yield node
        if isinstance(node, ast.If) and _only_for_checkers(node.test):
            yield from statements(node.orelse, scopes=scopes)
        elif scopes or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for block in _blocks(node):
                yield from statements(block, scopes=scopes)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block
    for field in ("handlers", "cases"):
        for branch in getattr(node, field, ()):
            yield branch.body


def _only_for_checkers(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _top(name: str) -> Place | None:
    if not name.isidentifier():
        return None
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # ValueError: `__main__` and its like have no spec
        return None
    if spec is None:
        return None
    file = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    folders = tuple(spec.submodule_search_locations or ())
    return Place(name, file, folders) if file or folders else None


def _entries(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


@lru_cache(maxsize=1024)
def _parse(name: str, path: Path, text: bytes) -> Source:
    try:
        with warnings.catch_warnings():  # they belong to an import of the module
            warnings.simplefilter("ignore")
            return Source(name, path, ast.parse(text))
    except SyntaxError as error:
        raise AuditionError(
            f"{path} is not valid Python: {error.msg}, line {error.lineno}"
        ) from None

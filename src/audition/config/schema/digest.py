"""The source files that a run really uses, and a digest of their code without its texts."""

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

from audition import frozen
from audition.config.schema.lookup import find, owner
from audition.config.schema.source import Source, lazy_names, load, place, statements

_LAYOUT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields that follow from the rest of the tree or change nothing when the code runs."""


_WARNS = frozenset({"warn", "warn_explicit"})
"""Functions of `warnings`, whose arguments are words for a reader."""

_FOR_LAWS = frozenset({"neutral", "active"})
"""Class attributes that only the tests read."""


def source_files(targets: Iterable[str], roots: Iterable[str] = ("audition",)) -> dict[str, Path]:
    """Module -> file, sorted, of all that importing `targets` and running them can import.

    Imports are read wherever they stand, in functions too, but not under `if TYPE_CHECKING:`; a
    module brings the packages around it. Only modules of the packages `roots` are followed. What
    is imported by a computed name is not seen.

    Args:
        targets: dotted modules, classes or functions; those outside `roots` are passed over.
        roots: top-level packages whose code is ours to track.

    Raises AuditionError for a target of `roots` that does not exist.
    """
    return {source.name: source.path for source in _closure(targets, roots)}


def source_digest(
    targets: Iterable[str], roots: Iterable[str] = ("audition",), spoken: Iterable[str] = ()
) -> str:
    """sha256 over the name and code of every module of `source_files`.

    Comments, docstrings, formatting and the words of errors do not move it; a changed number does.

    Args:
        targets: as for `source_files`.
        roots: as for `source_files`.
        spoken: modules that hold nothing but words for a reader, and do not count.
    """
    return _digest(tuple(targets), frozenset(roots), frozenset(spoken))


@frozen.cached
def _digest(targets: tuple[str, ...], roots: frozenset[str], silent: frozenset[str]) -> str:
    lines = (
        f"{source.name} {code_digest(source, silent)}"
        for source in _closure(targets, roots)
        if source.name not in silent
    )
    return sha256("\n".join(lines).encode()).hexdigest()


def _closure(targets: Iterable[str], roots: Iterable[str]) -> list[Source]:
    tops = frozenset(roots)
    seek = cache(place)
    found: dict[str, Source | None] = {}
    waiting = [_module(target) for target in targets if target.split(".")[0] in tops]
    while waiting:
        name = waiting.pop()
        if name in found or name.split(".")[0] not in tops:
            continue
        at = seek(name)
        found[name] = source = load(at) if at else None  # None: `from a import b`, b not a module
        if at and "." in name:
            waiting.append(name.rpartition(".")[0])
        if source:
            waiting.extend(_imports(source))
    return [source for _, source in sorted(found.items()) if source]


def _module(target: str) -> str:
    """The module to start from: the target itself, or the one that the target's name lies in."""
    here, rest = owner(target)
    if rest:
        find(target)
    return here.name


@lru_cache(maxsize=1024)
def _imports(source: Source) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_imported(source)))


def _imported(source: Source) -> Iterator[str]:
    for node in statements(source.tree.body, scopes=True):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(names=aliases):
                module = source.absolute(node)
                yield module
                named = [f"{module}.{alias.name}" for alias in aliases]
                yield from named
                yield from _lazily(module, named)


def _lazily(module: str, named: Iterable[str]) -> Iterator[str]:
    """The modules of those names that `module` imports when they are asked for."""
    at = place(module)
    source = load(at) if at else None
    lazy = lazy_names(source) if source else {}
    paths = (lazy.get(name.rpartition(".")[2]) for name in named)
    yield from (path.rpartition(".")[0] for path in paths if path)


@lru_cache(maxsize=1024)
def code_digest(source: Source, spoken: frozenset[str] = frozenset()) -> str:
    """sha256 of a module's syntax tree without what is said to a reader.

    Left out are docstrings and other strings that stand alone, the arguments of an exception where
    it is raised, the message of an `assert`, the arguments of a warning, and imports from the
    modules `spoken`, which hold nothing but words, label and unit in a class's table of `measures`,
    and what it tells the laws of itself (`neutral`, `active`). A sentence that is put together
    elsewhere and raised by name counts as code, as does all that an `except` clause does.

    Fields that are empty are left out of the tree's text: those that a later Python adds then do
    not change the digest of code that does not use them. (`ast.dump` would, at twice the time.)
    """
    words: list[str] = []

    def silent(node: ast.AST) -> bool:
        if isinstance(node, ast.ImportFrom):
            return source.absolute(node) in spoken
        if isinstance(node, ast.AnnAssign):
            return isinstance(node.target, ast.Name) and node.target.id in _FOR_LAWS
        return _stands_alone(node)

    _write(source.tree, words.append, silent)
    return sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _write(node: ast.AST, word: Callable[[str], None], silent: Callable[[ast.AST], bool]) -> None:
    word(type(node).__name__)
    for name, value in _code(node):
        if value is None or value == [] or name in _LAYOUT:
            continue
        word(name)
        if isinstance(value, ast.AST):
            _write(value, word, silent)
        elif isinstance(value, list):
            for item in value:
                if not isinstance(item, ast.AST):
                    word(repr(item))
                elif not silent(item):
                    _write(item, word, silent)
            word("]")
        else:
            word(repr(value))
    word(")")


def _code(node: ast.AST) -> Iterator[tuple[str, object]]:
    """The fields of a node that do something."""
    match node:
        case ast.Raise(exc=ast.Call(func=error), cause=cause):
            yield from (("exc", error), ("cause", cause))
        case ast.AnnAssign(target=ast.Name(id="measures"), value=ast.Dict(keys=names, values=how)):
            yield from (("keys", names), ("values", [each for one in how for each in _read(one)]))
        case ast.Assert(test=test):
            yield "test", test
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _WARNS:
            yield "func", node.func
        case _:
            for name in node._fields:
                yield name, getattr(node, name, None)


def _read(measure: ast.expr) -> list[ast.AST]:
    """The arguments of a measure after label and unit: the direction, and the worthwhile gain."""
    match measure:
        case ast.Call(args=args, keywords=keywords):
            named = [each for each in keywords if each.arg not in ("label", "unit")]
            return [*args[2:], *named]
        case ast.Tuple(elts=parts):
            return [*parts[2:]]
    return [measure]


def _stands_alone(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

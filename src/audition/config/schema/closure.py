"""The source files that a run really uses, and one digest of their code."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

from audition.config.schema.code import code_digest
from audition.config.schema.lookup import find, owner
from audition.config.schema.source import Source, lazy_names, load, place, statements


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
    silent = frozenset(spoken)
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

"""The digest of a module's code: what it does, whatever its comments, layout and words."""

import ast
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256

from audition.config.schema.source import Source

_LAYOUT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields that follow from the rest of the tree or change nothing when the code runs."""


_WARNS = frozenset({"warn", "warn_explicit"})
"""Functions of `warnings`, whose arguments are words for a reader."""

_FOR_LAWS = frozenset({"neutral", "active"})
"""What a class says of itself for the tests alone."""


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
    """What is said of a measure after its label and its unit: the direction, and what is worthwhile."""
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

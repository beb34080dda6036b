"""The digest of a module's code: what it does, whatever its comments and layout."""

import ast
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256

from audition.config.schema.source import Source

_LAYOUT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields that follow from the rest of the tree or change nothing when the code runs."""


@lru_cache(maxsize=1024)
def code_digest(source: Source) -> str:
    """sha256 of a module's syntax tree without docstrings and other strings that stand alone.

    Fields that are empty are left out of the tree's text: those that a later Python adds then do
    not change the digest of code that does not use them. (`ast.dump` would, at twice the time.)
    """
    words: list[str] = []
    _write(source.tree, words.append)
    return sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _write(node: ast.AST, word: Callable[[str], None]) -> None:
    word(type(node).__name__)
    for name in node._fields:
        value = getattr(node, name, None)
        if value is None or value == [] or name in _LAYOUT:
            continue
        word(name)
        if isinstance(value, ast.AST):
            _write(value, word)
        elif isinstance(value, list):
            for item in value:
                if not isinstance(item, ast.AST):
                    word(repr(item))
                elif not _is_words(item):
                    _write(item, word)
            word("]")
        else:
            word(repr(value))
    word(")")


def _is_words(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

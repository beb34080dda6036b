"""Names of a package that are imported when they are first used, as its stub lists them (SPEC 1)."""

import ast
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


def imported(package: str, file: str, name: str) -> Any:
    """What `package`, whose source is `file`, calls `name`.

    Raises AttributeError where its stub lists no such name.
    """
    path = listed(file).get(name)
    if path is None:
        raise AttributeError(f"module '{package}' has no attribute '{name}'")
    module, _, attribute = path.rpartition(".")
    return getattr(import_module(module), attribute)


@cache
def listed(file: str) -> Mapping[str, str]:
    """Name -> dotted path, of every `from a.b import C as C` in the stub beside `file`.

    Nothing without a stub, as for a package that is not made this way.
    """
    stub = Path(file).with_suffix(".pyi")
    return names_of(ast.parse(stub.read_bytes())) if stub.is_file() else {}


def names_of(stub: ast.Module) -> Mapping[str, str]:
    """The same of a stub that has been parsed."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

"""The sentence that explains each setting, from the `Args:` of a docstring or a string below it."""

import ast
import inspect
from collections.abc import Mapping

_HEADS = ("Args:", "Arguments:", "Attributes:", "Keyword Args:")


def below(statement: ast.stmt) -> str:
    """The text of a bare string statement, such as one that stands beneath a field; else empty."""
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
        case _:
            return ""


def arguments(*documented: ast.AST) -> Mapping[str, str]:
    """Name -> sentence, from the docstrings of some classes and functions, the later winning."""
    found: dict[str, str] = {}
    for node in documented:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found |= _entries(ast.get_docstring(node) or "")
    return found


def _entries(doc: str) -> dict[str, str]:
    """`name: text` or `name (type): text`, each going on over the lines indented below it."""
    lines = doc.splitlines()
    start = next((i + 1 for i, line in enumerate(lines) if line.strip() in _HEADS), len(lines))
    block: list[str] = []
    for line in lines[start:]:
        if line.strip() and not line[0].isspace():
            break
        block.append(line)
    found: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc("\n" + "\n".join(block)).splitlines():
        head, colon, text = line.partition(":")
        if colon and not line[0].isspace():
            name = head.split("(")[0].strip()
            found[name] = text.strip()
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found

"""What a constructor takes, as written: its parameters or fields, and the sentence on each."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from audition.config.schema.annotation import last_name
from audition.config.schema.lookup import Definition, Function, bases
from audition.config.schema.source import Source

_HEADS = ("Args:", "Arguments:", "Attributes:", "Keyword Args:")
"""Where a docstring begins to explain parameters."""


@dataclass(frozen=True)
class Parameter:
    """One parameter in source form; `default` is None where there is none.

    `source` is the module that the annotation's names are to be looked up in.
    """

    name: str
    annotation: ast.expr | None
    default: ast.expr | None
    keyword_only: bool
    sentence: str
    source: Source


def parameters(
    definition: Definition, function: Function, documented: tuple[ast.AST, ...]
) -> tuple[Parameter, ...]:
    """A function's parameters without `self`. Raises ValueError if it takes **kwargs."""
    given = function.args
    if given.kwarg:
        raise ValueError(
            f"{definition.name} takes **{given.kwarg.arg}, so a misspelled setting could not be "
            "told from a right one: write its settings out as keyword-only parameters"
        )
    sentences = arguments(*documented)
    is_method = function is not definition.node
    source = definition.source
    positional = [*given.posonlyargs, *given.args][is_method:]
    return (
        *(Parameter(p.arg, p.annotation, None, False, "", source) for p in positional),
        *(
            Parameter(p.arg, p.annotation, default, True, sentences.get(p.arg, ""), source)
            for p, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        ),
    )


def dataclass_options(node: ast.ClassDef) -> Mapping[str, object] | None:
    """The literal options of a class's `@dataclass`; None where it makes no constructor."""
    for decorator in node.decorator_list:
        if last_name(decorator) == "dataclass":
            options = _keywords(decorator)
            return None if options.get("init") is False else options
    return None


def fields(definition: Definition) -> dict[str, Parameter]:
    """Name -> the field that a dataclass's constructor takes, those of its bases first."""
    found: dict[str, Parameter] = {}
    for base in reversed(tuple(bases(definition))):
        found |= fields(base)
    node = definition.node
    options = dataclass_options(node) if isinstance(node, ast.ClassDef) else None
    if options is None:
        return found
    keyword_only = options.get("kw_only") is True
    sentences = arguments(node)
    for statement, after in pairwise([*node.body, ast.Pass()]):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        name, kind = statement.target.id, last_name(statement.annotation)
        if kind == "KW_ONLY":
            keyword_only = True
            continue
        own = _keywords(statement.value) if last_name(statement.value) == "field" else {}
        if kind == "ClassVar" or own.get("init") is False:
            found.pop(name, None)
            continue
        default = _default(statement.value)
        if default is None and name in found:  # re-annotated: the base's class attribute remains
            default = found[name].default
        only = own.get("kw_only", keyword_only) is True
        sentence = below(after) or sentences.get(name, "")
        source = definition.source
        found[name] = Parameter(name, statement.annotation, default, only, sentence, source)
    return found


def _default(value: ast.expr | None) -> ast.expr | None:
    """The default that `= value` or `= field(...)` gives; a factory is written as a call of it."""
    if not isinstance(value, ast.Call) or last_name(value) != "field":
        return value
    given = {keyword.arg: keyword.value for keyword in value.keywords}
    if "default_factory" in given:
        factory = given["default_factory"]
        return factory.body if isinstance(factory, ast.Lambda) else ast.Call(factory, [], [])
    return given.get("default")


def _keywords(call: ast.expr | None) -> dict[str, object]:
    """The keyword arguments of a call that are constants."""
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return {
        keyword.arg: keyword.value.value
        for keyword in keywords
        if keyword.arg and isinstance(keyword.value, ast.Constant)
    }


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

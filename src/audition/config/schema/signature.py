"""A constructor's settings, read from its source: the keyword-only parameters are the schema."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from audition import frozen
from audition.config.schema.annotation import instance_of, kind_of, spelt_out
from audition.config.schema.kinds import Kind, TypeMismatch
from audition.config.schema.lookup import Definition, bases, find
from audition.config.schema.parameters import Parameter, dataclass_options, fields, parameters


class _Required(Enum):
    REQUIRED = "required"

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required.REQUIRED
"""The default of a setting that has none."""


@dataclass(frozen=True)
class Setting:
    """One thing a config may write: its kind, its default in the form a run gets, its sentence."""

    name: str
    kind: Kind
    default: object = REQUIRED
    sentence: str = ""


@dataclass(frozen=True)
class Signature:
    """What a target takes: the settings of a config, and the names that the caller supplies."""

    target: str
    settings: Mapping[str, Setting]
    supplied: tuple[str, ...] = ()


@frozen.cached
def signature(target: str) -> Signature:
    """The signature of a dotted class or function, its module unimported.

    A class without a constructor of its own has that of its first base that has one, in reachable
    source. Raises AuditionError for a target that does not exist, and ValueError for one that no
    config should name: it takes **kwargs, a default is no literal or does not fit its annotation.
    """
    definition = find(target)
    built = _constructor(definition) or ()
    settings = {p.name: _setting(p, definition.name) for p in built if p.keyword_only}
    return Signature(target, settings, tuple(p.name for p in built if not p.keyword_only))


def read_constant(target: str, name: str, default: object = None) -> object:
    """The literal that a class body, or that of a base, gives to `name`; `default` if none does.

    Raises ValueError where the value is there but is not a literal.
    """
    definition = find(target)
    found = _constant(definition, name)
    if found is None:
        return default
    return _literal(found, f"{definition.name}.{name}")


def _constructor(definition: Definition) -> tuple[Parameter, ...] | None:
    node = definition.node
    if not isinstance(node, ast.ClassDef):
        return parameters(definition, node, documented=(node,))
    for statement in reversed(node.body):
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return parameters(definition, statement, documented=(node, statement))
    if dataclass_options(node) is not None:
        return tuple(fields(definition).values())
    built = (_constructor(base) for base in bases(definition))
    return next((parameters for parameters in built if parameters is not None), None)


def _constant(definition: Definition, name: str) -> ast.expr | None:
    for statement in reversed(definition.node.body):
        match statement:
            case (
                ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value)
                | ast.Assign(targets=[ast.Name(id=found)], value=value)
            ) if found == name and isinstance(definition.node, ast.ClassDef):
                return value
    inherited = (_constant(base, name) for base in bases(definition))
    return next((value for value in inherited if value is not None), None)


def _setting(parameter: Parameter, owner: str) -> Setting:
    what = f"the setting '{parameter.name}' of {owner}"
    try:
        kind = instance_of(parameter.name, parameter.annotation, parameter.source)
        kind = kind or kind_of(spelt_out(parameter.annotation, parameter.source))
        if parameter.default is None:
            return Setting(parameter.name, kind, REQUIRED, parameter.sentence)
        default = kind.fit(_literal(parameter.default, "its default"))
    except TypeMismatch as mismatch:
        raise ValueError(f"the default of {mismatch.sentence(what)}") from None
    except ValueError as error:
        raise ValueError(f"{what} cannot be read: {error}") from None
    return Setting(parameter.name, kind, default, parameter.sentence)


_EMPTY: Mapping[str, Callable[[], object]] = {"dict": dict, "list": list, "tuple": tuple}


def _literal(expression: ast.expr, what: str) -> object:
    """The value of a literal, or of the empty container that a factory such as `dict` makes."""
    if isinstance(expression, ast.Call) and not expression.args and not expression.keywords:
        make = _EMPTY.get(ast.unparse(expression.func))
        if make:
            return make()
    try:
        return ast.literal_eval(expression)
    except ValueError:
        raise ValueError(f"{what} is {ast.unparse(expression)}, which is not a literal") from None

"""From an annotation's source to the kind of value it asks for: a plain type, or a part."""

import ast
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Final

from audition.config.schema.kinds import (
    Anything,
    Bound,
    Choice,
    Either,
    Kind,
    Many,
    Number,
    Pair,
    Plain,
    Table,
    TypeMismatch,
)
from audition.config.schema.lookup import Definition, bases, dotted, find, type_named
from audition.config.schema.source import Source
from audition.errors import AuditionError

ANYTHING: Final = Anything()
_TEXT: Final = Plain(str, "text")
_NULL: Final = Plain(type(None), "null")

_NAMED: Mapping[str, Kind] = {
    "float": Number(),
    "int": Number(whole=True),
    "bool": Plain(bool, "true or false"),
    "str": _TEXT,
    "None": _NULL,
    "list": Many(ANYTHING),
    "tuple": Many(ANYTHING, frozen=True),
    "Sequence": Many(ANYTHING, frozen=True),
    "dict": Table(ANYTHING),
    "Mapping": Table(ANYTHING),
}

_SIGNS: Mapping[str, str] = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def spelt_out(annotation: ast.expr | None, source: Source) -> ast.expr | None:
    """An annotation of a module without the names that are short for types, as `Betas` is."""
    if annotation is None or not any(
        isinstance(node, ast.Name) and type_named(source, node.id) for node in ast.walk(annotation)
    ):
        return annotation

    class Spelling(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            found = type_named(source, node.id)
            return (spelt_out(found[1], found[0]) or node) if found else node

    spelt: ast.expr = Spelling().visit(deepcopy(annotation))
    return spelt


def kind_of(annotation: ast.expr | None) -> Kind:
    """The kind an annotation asks for; `Anything` for one that is no plain type.

    Raises ValueError where an `Annotated` asks for a check that would not be made.
    """
    match annotation:
        case ast.Constant(value=None):
            return _NULL
        case ast.Constant(value=str(text)):
            return kind_of(_parsed(text))
        case ast.Name(id=name):
            return _NAMED.get(name, ANYTHING)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _either((kind_of(left), kind_of(right)))
        case ast.Subscript(value=head, slice=inner):
            read = _GENERIC.get(last_name(head))
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return read(items) if read else ANYTHING
        case _:
            return ANYTHING


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:  # words for a reader
        return None


def last_name(expression: ast.expr | None) -> str:
    """`ClassVar` of `ClassVar`, `typing.ClassVar`, `ClassVar[int]` and `ClassVar(...)`."""
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=head) | ast.Call(func=head):
            return last_name(head)
        case _:
            return ""


def _either(kinds: tuple[Kind, ...]) -> Kind:
    """The union of some kinds, flat, and open where one of them cannot be read."""
    flat: list[Kind] = []
    is_open = False
    for kind in kinds:
        flat += kind.options if isinstance(kind, Either) else (kind,)
        is_open |= isinstance(kind, Either) and kind.open
    known = tuple(kind for kind in flat if not isinstance(kind, Anything))
    return Either(known, is_open or len(known) < len(flat)) if known else ANYTHING


def _tuple(items: list[ast.expr]) -> Kind:
    match items:
        case [item, ast.Constant(value=value)] if value is ...:
            return Many(kind_of(item), frozen=True)
        case _:
            return Pair(tuple(map(kind_of, items)))


def _choice(items: list[ast.expr]) -> Kind:
    return Choice(tuple(ast.literal_eval(item) for item in items))


def _annotated(items: list[ast.expr]) -> Kind:
    kind, *extras = items
    bounds = tuple(bound for extra in extras for bound in _bounds(extra))
    return _ranged(kind_of(kind), bounds) if bounds else kind_of(kind)


def _ranged(kind: Kind, bounds: tuple[Bound, ...]) -> Kind:
    """The kind with every number in it bounded; a range says nothing of null or a word."""
    if isinstance(kind, Number):
        return replace(kind, bounds=kind.bounds + bounds)
    if isinstance(kind, Either) and any(isinstance(option, Number) for option in kind.options):
        numbers = (_ranged(o, bounds) if isinstance(o, Number) else o for o in kind.options)
        return replace(kind, options=tuple(numbers))
    raise ValueError(f"a range is written on the number inside, not on {kind.noun}")


def _bounds(extra: ast.expr) -> Iterator[Bound]:
    name = last_name(extra)
    if not isinstance(extra, ast.Call) or name not in ("Gt", "Ge", "Lt", "Le", "Interval"):
        if isinstance(extra, ast.Constant):  # words for a reader
            return
        raise ValueError(f"{ast.unparse(extra)} is not checked: use Gt, Ge, Lt, Le or Interval")
    given = [(name.lower(), value) for value in extra.args]
    for side, value in given + [(each.arg or "", each.value) for each in extra.keywords]:
        limit = _limit(value)
        if limit is not None:
            yield Bound(_SIGNS[side], limit)


def _limit(value: ast.expr) -> float | None:
    """A literal, or `inf` and `-inf` as `math` names it; None where a side is left open."""
    match value:
        case ast.Name(id="inf") | ast.Attribute(value=ast.Name(id="math"), attr="inf"):
            return math.inf
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name() | ast.Attribute() as operand):
            return -(_limit(operand) or 0.0)
    limit: float | None = ast.literal_eval(value)
    return limit


_GENERIC: Mapping[str, Callable[[list[ast.expr]], Kind]] = {
    "Annotated": _annotated,
    "Literal": _choice,
    "Optional": lambda items: _either((kind_of(items[0]), _NULL)),
    "Union": lambda items: _either(tuple(map(kind_of, items))),
    "tuple": _tuple,
    "list": lambda items: Many(kind_of(items[0])),
    "Sequence": lambda items: Many(kind_of(items[0]), frozen=True),
    "dict": lambda items: Table(kind_of(items[-1])),
    "Mapping": lambda items: Table(kind_of(items[-1])),
    "InitVar": lambda items: kind_of(items[0]),
    "Final": lambda items: kind_of(items[0]),
}


_ELSEWHERE = frozenset({*sys.stdlib_module_names, "torch"})
"""Packages whose classes are values more often than parts (`Path`, `dtype`): not read here."""


@dataclass(frozen=True)
class Instance:
    """A node whose `_target_` is `of`, a class derived from it, or a function, which may return one.

    Where `of` is a Protocol, any target will do: what it has cannot be told from its bases.
    """

    name: str  # of the setting, which its group of files has too
    of: Definition
    structural: bool

    @property
    def noun(self) -> str:
        return f"a {self.of.node.name}"

    def fit(self, value: object) -> object:
        if not isinstance(value, Mapping) or "_target_" not in value:
            raise TypeMismatch(
                value, f"is not {self.noun}: choose one by its group, …/{self.name}=NAME"
            )
        target = str(value["_target_"])
        if not (self.structural or _is_kin(find(target), self.of)):
            raise TypeMismatch(target, f"is not {self.noun}", inside="._target_")
        return value


def instance_of(name: str, annotation: ast.expr | None, source: Source) -> Kind | None:
    """The kind of the setting `name` where its annotation is a class of ours or of another package.

    None where it is anything else, or cannot be read.
    """
    if not isinstance(annotation, ast.Name | ast.Attribute):
        return None
    path = dotted(source, annotation)
    if path is None or path.split(".")[0] in _ELSEWHERE:
        return None
    try:
        of = find(path)
    except AuditionError:
        return None
    node = of.node
    if not isinstance(node, ast.ClassDef) or any(last_name(b).endswith("Enum") for b in node.bases):
        return None
    return Instance(name, of, any(last_name(base) == "Protocol" for base in node.bases))


def _is_kin(definition: Definition, of: Definition) -> bool:
    if not isinstance(definition.node, ast.ClassDef) or definition.node is of.node:
        return True
    return any(
        isinstance(base.node, ast.ClassDef) and _is_kin(base, of) for base in bases(definition)
    )

"""Reads JSON files, which may be damaged, into frozen dataclasses; errors name the field."""

import json
import math
import re
from collections.abc import Collection
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar

import msgspec

from audition.errors import AuditionError
from audition.reasons import cut

T = TypeVar("T")


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text; raises ValueError where it is not JSON that can be read."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass  # what `json.dumps` writes and JSON does not know: NaN, Infinity, half a surrogate pair
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def read(kind: type[T], plain: Any, *, also: Collection[str] = ()) -> T:
    """`plain` as a value of the dataclass `kind`, values inside its containers included.

    Raises AuditionError, whose text follows a file's name, where a field is missing (one without a
    default, or one of `also`), unknown, or of another type than its annotation.
    """
    if not isinstance(plain, dict):
        raise AuditionError("was not written by Audition")
    known, needed = _fields(kind)  # type: ignore[arg-type]  # a class can be hashed
    if missing := needed.union(also) - plain.keys():
        raise AuditionError(f"lacks {', '.join(sorted(missing))}")
    if unknown := plain.keys() - known:
        raise AuditionError(f"has {', '.join(sorted(unknown))}, which this version does not know")
    try:
        return msgspec.convert(plain, kind, str_keys=True)
    except msgspec.ValidationError as error:
        place = re.search(r"at `\$\.(\w+)", str(error))
        name = place[1] if place else ""
        said = f"{name}={cut(repr(plain.get(name)), 80)}" if name else f"a value ({error})"
        raise AuditionError(f"has {said}, which Audition never writes") from None


@cache
def _fields(kind: type[Any]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of a dataclass's fields, and of those without a default."""
    every = fields(kind)
    required = (f.name for f in every if f.default is MISSING and f.default_factory is MISSING)
    return frozenset(f.name for f in every), frozenset(required)


def finite(value: Any) -> Any:
    """`value` with null in place of each number that JSON lacks: infinities, not-a-number."""
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def filled(value: Any, number: float) -> Any:
    """`value` with `number` in place of each null; the inverse of `finite` for one such number."""
    if isinstance(value, dict):
        return {name: filled(each, number) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, number) for each in value]
    return number if value is None else value

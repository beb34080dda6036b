"""Types that a setting may have: each takes a value as a config writes it and gives a run's."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from audition.errors import choices

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class TypeMismatch(Exception):
    """A value that a kind refuses: the value, what is wrong, and where inside the setting it is.

    `near` says that the value was of the right sort, so that the reason is worth telling.
    """

    def __init__(self, value: object, text: str, inside: str = "", near: bool = False) -> None:
        super().__init__(text)
        self.value, self.text, self.inside, self.near = value, text, inside, near

    def within(self, step: str) -> "TypeMismatch":
        """The same mismatch, its place given from one container further out."""
        return TypeMismatch(self.value, self.text, step + self.inside, near=True)

    def sentence(self, where: str) -> str:
        """`optimizer.betas[1]=1.5 is out of range: it must be < 1`."""
        return f"{where}{self.inside}={shown(self.value)} {self.text}"


class Kind(Protocol):
    """A type as a config sees it."""

    @property
    def noun(self) -> str:
        """What a value of this kind is called in a sentence: `a number`."""
        ...

    def fit(self, value: object) -> object:
        """The value in the form a run gets. Raises TypeMismatch."""
        ...


def shown(value: object) -> str:
    """A value as a config file writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


@dataclass(frozen=True)
class Anything:
    """An annotation that is not read here, such as a class: every value is accepted."""

    noun: str = "anything"

    def fit(self, value: object) -> object:
        return value


@dataclass(frozen=True)
class Plain:
    """Exactly one Python type, with nothing converted: text, a flag, or null."""

    exact: type
    noun: str

    def fit(self, value: object) -> object:
        if type(value) is not self.exact:
            raise TypeMismatch(value, f"is not {self.noun}")
        return value


@dataclass(frozen=True)
class Bound:
    """One side of a range, such as `> 0`."""

    sign: str
    limit: float

    def holds(self, value: float) -> bool:
        return _HOLDS[self.sign](value, self.limit)

    def __str__(self) -> str:
        return f"{self.sign} {self.limit}"


@dataclass(frozen=True)
class Number:
    """A float, or an int where `whole`; a bool is neither, and NaN is in no range.

    Infinity is in a range that names it as its limit, `Le(inf)` or `Ge(-inf)`, and in no other. An
    int becomes a float for a float setting (1 -> 1.0), and a float that is exactly integral becomes
    an int for a whole one (1e6 -> 1000000).
    """

    whole: bool = False
    bounds: tuple[Bound, ...] = ()

    @property
    def noun(self) -> str:
        return "a whole number" if self.whole else "a number"

    def fit(self, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeMismatch(value, f"is not {self.noun}")
        if not self._finite_enough(value) or not all(b.holds(value) for b in self.bounds):
            must = ["finite"] if isinstance(value, float) and math.isinf(value) else []
            must += map(str, self.bounds)
            raise TypeMismatch(
                value, f"is out of range: it must be {' and '.join(must) or self.noun}", near=True
            )
        if self.whole:
            if value != int(value):
                raise TypeMismatch(value, f"is not {self.noun}")
            return int(value)
        return float(value)

    def _finite_enough(self, value: float) -> bool:
        return math.isfinite(value) or any(bound.limit == value for bound in self.bounds)


@dataclass(frozen=True)
class Choice:
    """One of a few literals."""

    values: tuple[object, ...]

    @property
    def noun(self) -> str:
        return " or ".join(map(shown, self.values))

    def fit(self, value: object) -> object:
        if any(type(value) is type(known) and value == known for known in self.values):
            return value
        known = [known if isinstance(known, str) else shown(known) for known in self.values]
        raise TypeMismatch(value, f"is not one of the choices{choices(value, known)}")


@dataclass(frozen=True)
class Pair:
    """A tuple of a fixed length, written as a list; each place has its own kind."""

    items: tuple[Kind, ...]

    @property
    def noun(self) -> str:
        return f"a list of {len(self.items)}"

    def fit(self, value: object) -> object:
        if not isinstance(value, list | tuple):
            raise TypeMismatch(value, f"is not {self.noun}")
        if len(value) != len(self.items):
            raise TypeMismatch(value, f"has length {len(value)}: it must be {self.noun}", near=True)
        pairs = zip(self.items, value, strict=True)
        return tuple(_item(kind, v, f"[{i}]") for i, (kind, v) in enumerate(pairs))


@dataclass(frozen=True)
class Many:
    """A list of any length, or a tuple where `frozen`."""

    item: Kind
    frozen: bool = False
    noun: str = "a list"

    def fit(self, value: object) -> object:
        if not isinstance(value, list | tuple):
            raise TypeMismatch(value, f"is not {self.noun}")
        items = [_item(self.item, v, f"[{i}]") for i, v in enumerate(value)]
        return tuple(items) if self.frozen else items


@dataclass(frozen=True)
class Table:
    """Names to values of one kind."""

    item: Kind
    noun: str = "a mapping of names"

    def fit(self, value: object) -> object:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise TypeMismatch(value, f"is not {self.noun}")
        return {key: _item(self.item, v, f".{key}") for key, v in value.items()}


@dataclass(frozen=True)
class Either:
    """One of several kinds; `open` where one cannot be read, so that no type is refused.

    A kind that takes the value as it is goes before one that would convert it: in `int | float`,
    2.0 stays a float.
    """

    options: tuple[Kind, ...]
    open: bool = False

    @property
    def noun(self) -> str:
        return " or ".join(option.noun for option in self.options)

    def fit(self, value: object) -> object:
        fitted: list[object] = []
        refusals: list[TypeMismatch] = []
        for option in self.options:
            try:
                fitted.append(option.fit(value))
            except TypeMismatch as mismatch:
                refusals.append(mismatch)
        if fitted:
            return next((each for each in fitted if type(each) is type(value)), fitted[0])
        near = next((refusal for refusal in refusals if refusal.near), None)
        if near is None and self.open:
            return value
        raise near or TypeMismatch(value, f"is not {self.noun}")


def _item(kind: Kind, value: object, step: str) -> object:
    try:
        return kind.fit(value)
    except TypeMismatch as mismatch:
        raise mismatch.within(step) from None

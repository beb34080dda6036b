"""Types of one value that a setting may have: each takes a config's value and gives a run's."""

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


class Misfit(Exception):
    """A value that a kind refuses: the value, what is wrong, and where inside the setting it is.

    `near` says that the value was of the right sort, so that the reason is worth telling.
    """

    def __init__(self, value: object, text: str, inside: str = "", near: bool = False) -> None:
        super().__init__(text)
        self.value, self.text, self.inside, self.near = value, text, inside, near

    def within(self, step: str) -> "Misfit":
        """The same misfit told from one container further out."""
        return Misfit(self.value, self.text, step + self.inside, near=True)

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
        """The value in the form a run gets. Raises Misfit."""
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
            raise Misfit(value, f"is not {self.noun}")
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
            raise Misfit(value, f"is not {self.noun}")
        if not self._finite_enough(value) or not all(b.holds(value) for b in self.bounds):
            must = ["finite"] if isinstance(value, float) and math.isinf(value) else []
            must += map(str, self.bounds)
            raise Misfit(
                value, f"is out of range: it must be {' and '.join(must) or self.noun}", near=True
            )
        if self.whole:
            if value != int(value):
                raise Misfit(value, f"is not {self.noun}")
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
        raise Misfit(value, f"is not one of the choices{choices(value, known)}")

"""Types of several values that a setting may have, and the union of types."""

from collections.abc import Mapping
from dataclasses import dataclass

from audition.config.schema.kinds import Kind, Misfit


@dataclass(frozen=True)
class Pair:
    """A tuple of a fixed length, written as a list; each place has its own kind."""

    items: tuple[Kind, ...]

    @property
    def noun(self) -> str:
        return f"a list of {len(self.items)}"

    def fit(self, value: object) -> object:
        if not isinstance(value, list | tuple):
            raise Misfit(value, f"is not {self.noun}")
        if len(value) != len(self.items):
            raise Misfit(value, f"has length {len(value)}: it must be {self.noun}", near=True)
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
            raise Misfit(value, f"is not {self.noun}")
        items = [_item(self.item, v, f"[{i}]") for i, v in enumerate(value)]
        return tuple(items) if self.frozen else items


@dataclass(frozen=True)
class Table:
    """Names to values of one kind."""

    item: Kind
    noun: str = "a mapping of names"

    def fit(self, value: object) -> object:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise Misfit(value, f"is not {self.noun}")
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
        refusals: list[Misfit] = []
        for option in self.options:
            try:
                fitted.append(option.fit(value))
            except Misfit as misfit:
                refusals.append(misfit)
        if fitted:
            return next((each for each in fitted if type(each) is type(value)), fitted[0])
        near = next((refusal for refusal in refusals if refusal.near), None)
        if near is None and self.open:
            return value
        raise near or Misfit(value, f"is not {self.noun}")


def _item(kind: Kind, value: object, step: str) -> object:
    try:
        return kind.fit(value)
    except Misfit as misfit:
        raise misfit.within(step) from None

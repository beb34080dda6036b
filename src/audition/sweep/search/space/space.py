"""What is searched: ranges and choices by key, and groups whose choices have ranges of their own.

A key is written as on a command line. A list is a choice, a mapping with `low` and `high` a range,
and any other mapping names alternatives, each with the part of the space that it alone has.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Any

from audition.errors import AuditionError, choices

Value = float | int | str | bool | None
PARTS = ("low", "high", "log", "step")
_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from low to high, both included."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False


@dataclass(frozen=True)
class Choices:
    """One of these."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Dimension:
    """One key, and what it may be; its name tells the branches of a fork apart."""

    key: str
    name: str
    among: Range | Choices


@dataclass(frozen=True)
class Fork:
    """A key whose every choice has a space of its own."""

    key: str
    name: str
    branches: Mapping[str, "Space"]

    @property
    def among(self) -> Choices:
        """The choices."""
        return Choices(tuple(self.branches))


Space = tuple[Dimension | Fork, ...]
Pick = Callable[[Dimension | Fork], Value]
"""Says which value a key has at some point."""
Whole = Callable[[str, float, float], bool]
"""Whether the setting of that name takes only whole numbers between those two."""


def read_space(plain: Any, whole: Whole, branch: str = "") -> Space:
    """The space that a config describes.

    Raises AuditionError for one that is empty, or has a range or a choice with nothing in it.
    """
    if not isinstance(plain, Mapping) or not plain:
        where = f" of {branch}" if branch else ""
        raise AuditionError(
            f"the space{where} is empty: it needs a key such as "
            "optimizer.lr: {low: 1e-4, high: 1e-1, log: true}"
        )
    return tuple(_read(str(key), entry, whole, branch) for key, entry in plain.items())


def _read(key: str, entry: Any, whole: Whole, branch: str) -> Dimension | Fork:
    name = f"{key}[{branch}]" if branch else key
    if isinstance(entry, Sequence) and not isinstance(entry, str):
        return Dimension(key, name, _choices(key, entry))
    if not isinstance(entry, Mapping):
        raise AuditionError(
            f"space: {key}={entry!r} is neither a range such as {{low: 1, high: 9}} nor a list"
        )
    if entry.keys() & set(PARTS):
        return Dimension(key, name, _range(key, entry, whole))
    _choices(key, tuple(entry))
    return Fork(
        key,
        name,
        {
            str(choice): read_space(inner, whole, f"{key}={choice}") if inner else ()
            for choice, inner in entry.items()
        },
    )


def _choices(key: str, given: Sequence[Any]) -> Choices:
    values = [plain(value) for value in given]
    for value in values:
        if not isinstance(value, float | int | str | bool | None):
            raise AuditionError(f"space: {key} has the choice {value!r}, which is no plain value")
    if len(set(values)) < max(2, len(values)):
        raise AuditionError(f"space: {key}={list(values)} must be two different choices or more")
    return Choices(tuple(values))


def _range(key: str, entry: Mapping[Any, Any], whole: Whole) -> Range:
    for part in entry:
        if part not in PARTS:
            raise AuditionError(
                f"space: '{part}' of {key} is no part of a range{choices(part, PARTS)}"
            )
    for part in ("low", "high", "step"):
        value: Any = entry.get(part)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and math.isfinite(value)) and not (part == "step" and value is None):
            raise AuditionError(f"space: {key} needs {part}, a number; it is {value!r}")
    low, high, log, step = entry["low"], entry["high"], entry.get("log", False), entry.get("step")
    if not isinstance(log, bool):
        raise AuditionError(f"space: {key} has log={log!r}, which is neither true nor false")
    if not low < high:
        raise AuditionError(f"space: {key} is empty: low={low:g} is not under high={high:g}")
    if log and low <= 0:
        raise AuditionError(f"space: {key} is a log range, and low={low:g} is not above 0")
    if step is not None and (log or not 0 < step <= high - low):
        raise AuditionError(
            f"space: {key} has step={step:g}, which must be from 0 to its width, on a range "
            "that is not log"
        )
    integral = whole(key, low, high)
    if integral and any(part is not None and part != int(part) for part in (low, high, step)):
        raise AuditionError(f"space: {key} takes whole numbers, and its range has others")
    return Range(low=low, high=high, log=log, step=step, whole=integral)


def overrides(space: Space, pick: Pick) -> tuple[str, ...]:
    """The point that `pick` chooses, as it would be typed."""
    return tuple(f"{part.key}={typed(part.among, value)}" for part, value in walk(space, pick))


def walk(space: Space, pick: Pick) -> Iterator[tuple[Dimension | Fork, Value]]:
    """Every key that the point has, with its value: of a fork the branch it takes, and no other."""
    for part in space:
        value = pick(part)
        yield part, value
        if isinstance(part, Fork):
            yield from walk(part.branches[str(value)], pick)


def typed(among: Range | Choices, value: Value) -> str:
    """A value as Hydra reads it; a number drawn from a range keeps four digits, to be legible."""
    if isinstance(among, Range) and not isinstance(value, str | bool | None):
        if among.whole:
            return str(round(value))
        return f"{min(max(float(f'{value:.{_DIGITS}g}'), among.low), among.high):.12g}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        bare = value.startswith("[") or value.replace("_", "").replace("-", "").isalnum()
        return value if bare else f"'{value}'"
    return repr(value)


def plain(value: Any) -> Any:
    """A value as a choice can be told apart by: a list as its text."""
    return f"[{','.join(map(str, value))}]" if isinstance(value, list | tuple) else value


def holds(among: Range | Choices, value: Any) -> bool:
    """Whether the value is one of those."""
    if isinstance(among, Choices):
        return value in among.values
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not among.low <= value <= among.high:
        return False
    steps = 0.0 if among.step is None else (value - among.low) / among.step
    return math.isclose(steps, round(steps), abs_tol=1e-9)


def parts(space: Space) -> Iterator[Dimension | Fork]:
    """Every part, those of all branches too."""
    for part in space:
        yield part
        if isinstance(part, Fork):
            for inner in part.branches.values():
                yield from parts(inner)


def digest(plain: Any) -> str:
    """Eight characters that name whatever is made of plain values."""
    return sha256(dumps(plain, sort_keys=True, default=str).encode()).hexdigest()[:8]

"""Between two chains of effects: every setting on its way from one to the other."""

import typing
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from math import exp, inf, isfinite, log
from typing import Annotated, Any

from annotated_types import Interval

from audition.errors import AuditionError
from audition.recipe.effect import Chain, Effect
from audition.recipe.mix import Mix


def between(
    *,
    first: Chain,
    second: Chain,
    share: Annotated[float, Interval(ge=0, le=1)] = 0.5,
) -> Chain:
    """The chain at `share` of the way: 0 is `first` itself, 1 is `second`.

    Effects are matched by name, chains within chains too.

    * A float that may be anything above 0 (a ceiling, a rate, a strength) is a scale, and goes by
      ratios where both ends are above 0: halfway from 1 to 100 is 10. Any other goes by differences,
      as does `wet`; a whole number is rounded, half up.
    * What is no number, or is infinite or a list of another length on one side, is that of the nearer
      end, of `second` at one half.
    * An effect that one side lacks gets the other's settings and wet 1 - share or share of what it
      has. Effects of one name and two classes are refused.
    * The order is that of the nearer end; what it lacks follows the effect that it follows in the
      other.

    Examples:
        >>> from audition.effects.limiter import Limiter
        >>> loose, tight = (Chain({"limiter": Limiter(ceiling=c)}) for c in (0.1, 0.001))
        >>> halfway = between(first=loose, second=tight, share=0.5)
        >>> round(halfway.members["limiter"].ceiling, 6)
        0.01
    """
    if share in (0.0, 1.0):
        return second if share else first
    near, far = (second, first) if share >= 0.5 else (first, second)
    names = list(near.members)
    others = list(far.members)
    for place, name in enumerate(others):
        if name not in names:
            last = next((n for n in reversed(others[:place]) if n in names), None)
            names.insert(0 if last is None else names.index(last) + 1, name)
    return Chain({n: _effect(n, first.members.get(n), second.members.get(n), share) for n in names})


def _effect(name: str, first: Effect | None, second: Effect | None, share: float) -> Effect:
    (one, dry), (other, wet) = _unmixed(first), _unmixed(second)
    level = dry + share * (wet - dry)
    if one is None or other is None:
        found = one or other
        assert found is not None
        return _at(found, level)
    if isinstance(one, Chain) and isinstance(other, Chain):
        return _at(between(first=one, second=other, share=share), level)
    if type(one) is not type(other) or not is_dataclass(one) or not is_dataclass(other):
        raise AuditionError(
            f"'{name}' is {type(one).__name__} in one chain and {type(other).__name__} in the other: "
            "there is nothing between them"
        )
    hints = typing.get_type_hints(type(one), include_extras=True)
    settings = {
        f.name: value(getattr(one, f.name), getattr(other, f.name), share, hints[f.name])
        for f in fields(one)
        if f.init
    }
    return _at(replace(one, **settings), level)


def value(first: Any, second: Any, share: float, annotation: Any = float) -> Any:
    """A setting between its two values, as its annotation says what range it has."""
    if first == second and type(first) is type(second):
        return first
    if isinstance(first, tuple) and isinstance(second, tuple) and len(first) == len(second):
        inner = _items(annotation, len(first))
        return tuple(value(a, b, share, c) for a, b, c in zip(first, second, inner, strict=True))
    if isinstance(first, Chain) and isinstance(second, Chain):
        return between(first=first, second=second, share=share)
    if not (_is_number(first) and _is_number(second)):
        return second if share >= 0.5 else first
    if isinstance(first, int) and isinstance(second, int):
        return int(first + share * (second - first) + 0.5)
    if is_scale(annotation) and min(first, second) > 0:
        return exp(log(first) + share * (log(second) - log(first)))
    return first + share * (second - first)


def is_scale(annotation: Any) -> bool:
    """Whether the range of an annotated number is from 0 to infinity, either end in it or not."""
    low, high = -inf, inf
    for limit in _limits(annotation):
        low = max(low, *(x for x in (limit.get("gt"), limit.get("ge")) if x is not None), -inf)
        high = min(high, *(x for x in (limit.get("lt"), limit.get("le")) if x is not None), inf)
    return low == 0.0 and high == inf


def _limits(annotation: Any) -> Iterator[dict[str, Any]]:
    found: Iterable[Any] = getattr(annotation, "__metadata__", ())
    for each in found:
        yield {side: getattr(each, side, None) for side in ("gt", "ge", "lt", "le")}


def _items(annotation: Any, length: int) -> tuple[Any, ...]:
    """The annotation of each item of a tuple's annotation."""
    inner = typing.get_args(annotation)
    if len(inner) == 2 and inner[1] is ...:
        return (inner[0],) * length
    return inner if len(inner) == length else (float,) * length


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and isfinite(given)


def _unmixed(effect: Effect | None) -> tuple[Effect | None, float]:
    """The effect without its `Mix`, and how wet it is."""
    if isinstance(effect, Mix):
        inner, wet = _unmixed(effect.effect)
        return inner, 0.0 if effect.bypass else wet * effect.wet
    return effect, 0.0 if effect is None else 1.0


def _at(effect: Effect, wet: float) -> Effect:
    return effect if wet == 1.0 else Mix(effect=effect, wet=wet)

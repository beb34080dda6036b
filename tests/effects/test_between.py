"""Between two chains: exact ends, ratios or differences by setting, and effects of one side."""

from itertools import pairwise
from math import inf, sqrt
from typing import Annotated

import pytest
from annotated_types import Ge, Gt, Interval, Le

from audition.effects.between import between, is_scale, value
from audition.effects.ema import EMA
from audition.effects.limiter import Limiter
from audition.effects.lookahead import Lookahead
from audition.effects.quantization import Quantization
from audition.effects.saturation import Saturation
from audition.errors import AuditionError
from audition.recipe.effect import Chain
from audition.recipe.mix import Mix

A = Chain(
    {
        "limiter": Limiter(ceiling=0.01),
        "ema": EMA(decay=0.5),
        "lookahead": Lookahead(every=2),
        "inner": Chain({"saturation": Saturation(drive=1.0)}),
    }
)
B = Chain(
    {
        "quantization": Quantization(),
        "limiter": Mix(effect=Limiter(ceiling=1.0), wet=0.5),
        "lookahead": Lookahead(every=9),
        "inner": Chain({"saturation": Saturation(drive=100.0)}),
    }
)


def at(share):
    return between(first=A, second=B, share=share).members


def test_the_ends_are_the_chains_themselves():
    assert between(first=A, second=B, share=0.0) is A
    assert between(first=A, second=B, share=1.0) is B
    assert between(first=A, second=A, share=0.3) == A


def test_scales_go_by_ratios_and_other_numbers_by_differences():
    half = at(0.5)
    assert half["limiter"] == Mix(effect=Limiter(ceiling=pytest.approx(0.1)), wet=0.75)
    assert half["inner"].members["saturation"].drive == pytest.approx(10.0)
    decays = [between(first=Chain({"e": EMA(decay=0.5)}), second=Chain({"e": EMA(decay=0.9)}),
                      share=s).members["e"].decay for s in (0.25, 0.5)]  # fmt: skip
    assert decays == pytest.approx([0.6, 0.7])


def test_whole_numbers_are_rounded_and_rise_with_the_share():
    shares = [i / 20 for i in range(21)]
    found = [at(s)["lookahead"].every for s in shares]
    assert (found[0], found[-1], at(0.5)["lookahead"].every) == (2, 9, 6)
    assert all(isinstance(n, int) for n in found)
    ceilings = [value(0.01, 1.0, s, Annotated[float, Gt(0)]) for s in shares]
    for series in (found, ceilings):
        assert all(a <= b for a, b in pairwise(series))


def test_an_effect_of_one_side_is_as_wet_as_that_side_is_near():
    quarter = at(0.25)
    assert quarter["quantization"] == Mix(effect=Quantization(), wet=0.25)
    assert quarter["ema"] == Mix(effect=EMA(decay=0.5), wet=0.75)
    one = Chain({"e": Mix(effect=EMA(), wet=0.5)})
    assert between(first=Chain(), second=one, share=0.5).members["e"].wet == 0.25


def test_the_order_is_that_of_the_nearer_end():
    assert list(at(0.25)) == ["quantization", "limiter", "ema", "lookahead", "inner"]
    x, y = Chain({"a": EMA(), "b": EMA()}), Chain({"b": EMA(), "a": EMA()})
    assert list(between(first=x, second=y, share=0.4).members) == ["a", "b"]
    assert list(between(first=x, second=y, share=0.5).members) == ["b", "a"]


@pytest.mark.parametrize(
    ("first", "second", "share", "expected"),
    [
        ("left", "right", 0.4, "left"),
        ("left", "right", 0.5, "right"),
        (None, 2.0, 0.4, None),
        (True, False, 0.6, False),
        (inf, 1.0, 0.4, inf),
        (2.0, inf, 0.4, 2.0),
        ((1, 2), (3, 4), 0.5, (2, 3)),
        ((1,), (3, 4), 0.4, (1,)),
        (0.0, 2.0, 0.5, 1.0),
        (1.0, 4.0, 0.5, 2.5),
    ],
)
def test_other_values(first, second, share, expected):
    assert value(first, second, share) == expected


def test_a_scale_is_anything_above_zero():
    for scale in (
        Annotated[float, Gt(0)],
        Annotated[float, Ge(0)],
        Annotated[float, Gt(0), Le(inf)],
    ):
        assert is_scale(scale)
        assert value(1.0, 4.0, 0.5, scale) == pytest.approx(2.0)
        assert value(0.0, 4.0, 0.5, scale) == 2.0  # no ratio leads away from zero
    for other in (float, Annotated[float, Interval(ge=0, le=1)], Annotated[float, Ge(1)]):
        assert not is_scale(other)
    pairs = tuple[Annotated[float, Gt(0)], ...]
    assert value((1.0, 2.0), (4.0, 4.0), 0.5, pairs) == pytest.approx((2.0, sqrt(8)))


def test_one_name_of_two_classes_is_refused():
    with pytest.raises(AuditionError, match="'e' is EMA in one chain and Limiter in the other"):
        between(first=Chain({"e": EMA()}), second=Chain({"e": Limiter()}), share=0.5)

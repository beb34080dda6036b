"""Cards: whole ones pass, and what is missing is named."""

import pytest

from audition.config.card import ASPECTS, check_card
from audition.errors import AuditionError

PLAIN = {
    "name": "mute",
    "aspect": "dynamics",
    "mechanism": "silence",
    "pitch": "Do nothing.",
    "math": "x = x",
    "symbols": {"x": "anything"},
    "pro": "Cheap.",
    "con": "Useless.",
    "flag": "+idea=mute",
    "test": {"tokens": 1_000_000, "seeds": [42, 137, 256]},
    "success": {"rule": "val_loss improvement > 2 sigma", "d": 0.5},
    "nearest_known": {"a": "one", "b": "two", "c": "three"},
    "falsifier": "Any effect.",
    "kill_criterion": "None.",
    "controls": {"itself": "the same"},
    "expected_signature": "Nothing.",
    "cost": {"flops": "none", "bytes": "none"},
}


def test_a_whole_card_passes_and_can_be_read():
    text = check_card("mute", PLAIN).markdown()
    assert text.startswith("## mute\n")
    assert "**Test**: 1,000,000 tokens, 3 seeds (42, 137, 256), compared with the baseline" in text
    assert "**Success**: val_loss improvement > 2 sigma, Cohen's d ≥ 0.5" in text


@pytest.mark.parametrize("field", PLAIN)
@pytest.mark.parametrize("empty", [None, "", {}])
def test_every_field_is_needed(field, empty):
    without = {k: v for k, v in PLAIN.items() if k != field}
    for card in (without, {**PLAIN, field: empty}):
        with pytest.raises(AuditionError, match=f"not complete: {field} is missing"):
            check_card("mute", card)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "loud"}, "names itself 'loud'"),
        ({"aspect": "optimiser"}, r"aspect='optimiser'; did you mean 'optimizer'\?"),
        ({"nearest_known": {"a": "one", "b": "two"}}, "names 2 nearest known"),
        ({"pros": "x"}, r"pros is not part of a card; did you mean 'pro'\?"),
        ({"test": {"tokens": 1}}, r"cards\.mute\.test lacks seeds"),
        ({"test": {"seeds": [1]}}, "must say how long it takes: a whole number of tokens or ex"),
        ({"test": {"tokens": 1, "examples": 1, "seeds": [1]}}, "must say how long it takes"),
        ({"test": {"examples": "many", "seeds": [1]}}, "must say how long it takes"),
        ({"success": {"d": 1}}, r"cards\.mute\.success lacks rule"),
        ({"cost": {"d": 1}}, "lacks bytes, flops"),
        ({"pro": "A Breakthrough."}, "says 'breakthrough': say what was measured"),
        ({"con": "It is state of the Art."}, "says 'state-of-the-art'"),
        (
            {"nearest_known": {"a": "one", "b": " ", "c": "three"}},
            "does not say how b differs",
        ),
    ],
)
def test_what_is_wrong_is_named(change, sentence):
    with pytest.raises(AuditionError, match=sentence):
        check_card("mute", {**PLAIN, **change})


def test_the_length_of_a_test_is_in_the_tasks_unit():
    card = check_card("mute", {**PLAIN, "test": {"examples": 60_000, "seeds": [1]}})
    assert "**Test**: 60,000 examples, 1 seed (1), compared" in card.markdown()


@pytest.mark.parametrize("nothing", [None, "a card", 3])
def test_no_card_at_all(nothing):
    with pytest.raises(AuditionError, match=r"has no card: add `cards\.mute`"):
        check_card("mute", nothing)


def test_the_digest_follows_the_content():
    digest = check_card("mute", PLAIN).digest()
    assert digest == check_card("mute", dict(reversed(PLAIN.items()))).digest()
    assert digest != check_card("mute", {**PLAIN, "pro": "Cheaper."}).digest()
    assert len(digest) == 12


def test_aspects_are_those_of_the_protocol():
    assert ASPECTS == ("optimizer", "attention", "positional", "norm_stability", "dynamics")


def test_a_card_of_a_batch_has_a_number():
    assert check_card("mute", PLAIN).markdown(2).startswith("## Idea 2: mute\n")

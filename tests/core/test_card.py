"""Cards: whole ones pass, and what is missing is named."""

import pytest

from audition.config.card import ASPECTS, check_card, is_draft
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


@pytest.mark.parametrize("field", [field for field in PLAIN if field not in ("name", "pitch")])
@pytest.mark.parametrize("empty", [None, "", {}])
def test_without_a_field_it_is_a_draft(field, empty):
    without = {k: v for k, v in PLAIN.items() if k != field}
    for plain in (without, {**PLAIN, field: empty}):
        card = check_card("mute", plain)
        assert card.missing == (field,)
        assert is_draft(card.digest())
        assert f"**Draft**: it lacks {field}" in card.markdown()
    assert not is_draft(check_card("mute", PLAIN).digest())
    assert "Draft" not in check_card("mute", PLAIN).markdown()


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"test": {"tokens": 1}}, ("test.seeds",)),
        ({"test": {"seeds": [1]}}, ("test.tokens",)),
        ({"success": {"d": 1}}, ("success.rule",)),
        ({"cost": {"d": 1}}, ("cost.flops", "cost.bytes")),
        ({"nearest_known": {"a": "one", "b": "two"}}, ("1 of 3 nearest_known",)),
        ({"pro": "", "cost": {}, "test": {}}, ("pro", "test", "cost")),
    ],
)
def test_a_part_that_is_missing_makes_a_draft(change, missing):
    assert check_card("mute", {**PLAIN, **change}).missing == missing


def test_a_pitch_is_a_card():
    card = check_card("mute", {"pitch": "Do nothing."})
    everything = [field for field in PLAIN if field not in ("name", "pitch")]
    assert card.missing == tuple(everything)
    text = card.markdown()
    assert text.startswith("## mute\n\n**Pitch**: Do nothing.\n\n**Draft**: it lacks aspect, ")


@pytest.mark.parametrize("card", [{}, {"pitch": ""}, {"math": "x = x", "pitch": None}])
def test_without_a_pitch_all_that_is_missing_is_named_at_once(card):
    with pytest.raises(AuditionError) as refused:
        check_card("mute", card)
    absent = [f for f in PLAIN if f not in ("name", *(k for k, v in card.items() if v))]
    assert str(refused.value) == (
        f"the card of idea 'mute' lacks {', '.join(absent)}: a run needs the pitch alone, a claim all "
        "of it"
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": "loud"}, "names itself 'loud'"),
        ({"aspect": "optimiser"}, r"aspect='optimiser'; did you mean 'optimizer'\?"),
        ({"nearest_known": ["a", "b"]}, "nearest_known=.'a', 'b'. is not a mapping of names"),
        ({"pros": "x"}, r"pros is not part of a card; did you mean 'pro'\?"),
        ({"test": {"tokens": 1, "examples": 1, "seeds": [1]}}, "must say how long it takes"),
        ({"test": {"examples": "many", "seeds": [1]}}, "must say how long it takes"),
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
    with pytest.raises(AuditionError, match=r"has no card: add `cards\.mute\.pitch`"):
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

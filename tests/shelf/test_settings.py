"""The files of conf/ and the documents beside them are as the classes have them."""

import math
from pathlib import Path

import pytest
from scripts.conf import PARTS, README, ROOT, expected_files, main, written_yamls
from scripts.member_costs import costs, of_card

from audition.config.members import members
from audition.errors import AuditionError
from audition.shelf.pages import costs_in, filled
from audition.shelf.settings import regenerated, settings_of, yaml_value

MADE = [str(path.relative_to(ROOT)) for path in (*written_yamls(), README, PARTS)]

LIMITER = """# A ceiling.
limiter:
  _target_: audition.effects.limiter.Limiter
  {}
other: 1  # stays
"""


@pytest.fixture(scope="module")
def expected():
    """File -> the text that it should have."""
    return {str(path.relative_to(ROOT)): text for path, text in expected_files()}


@pytest.mark.parametrize("file", MADE)
def test_what_is_made_from_the_classes_is_up_to_date(file, expected):
    """`make conf` writes it. A value that is to differ from its default says `(default: …)`."""
    assert (ROOT / file).read_text(encoding="utf-8") == expected[file]


def test_all_that_is_made_is_looked_at(expected):
    assert expected.keys() == set(MADE)


def test_the_costs_of_the_reference_are_counted(cache_dir):
    told = costs_in(PARTS.read_text(encoding="utf-8"))
    again = costs(cache_dir, [*members("norm"), *members("optimizer"), *members("idea")])
    assert again
    assert {name: told.get(name) for name in again if name in told} == again


def limiter(line):
    """What becomes of a line among the settings of a limiter: its comment and its value."""
    lines = regenerated(LIMITER.format(line)).splitlines()
    assert lines[0] == "# A ceiling."
    assert lines[-1] == "other: 1  # stays"
    return [each.strip() for each in lines if "ceiling:" in each]


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("ceiling: 0.01", "ceiling: 0.01"),
        ("ceiling: 1.0e-2  # a wish", "ceiling: 1.0e-2"),
        ("floor: 0.001", "ceiling: 0.01"),
        ("ceiling: 0.5", "ceiling: 0.01"),
        ("ceiling: 0.5  # (default: 7)", "ceiling: 0.5"),
        ("# (default: 7)\n  ceiling: 0.5", "ceiling: 0.5"),
        ("ceiling: .inf  # (default: 0.01)", "ceiling: .inf"),
        ("ceiling: ${somewhere.else}", "ceiling: ${somewhere.else}"),
        ("ceiling: ???", "ceiling: ???"),
    ],
)
def test_a_value_follows_the_default_unless_it_says_that_it_differs(line, becomes):
    (found,) = limiter(line)
    value, _, comment = found.partition("  # ")
    assert value == becomes
    assert comment.startswith("Longest update, as a share of the weight's norm")
    assert ("(default: 0.01)" in comment) == (becomes in ("ceiling: 0.5", "ceiling: .inf"))
    again = regenerated(LIMITER.format(found))
    assert regenerated(again) == again


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({}, ""),
        ({"flops": "none"}, "arithmetic: none (from its card)."),
        (
            {"flops": "1 %", "bytes": "none"},
            "arithmetic: 1 %; memory: none (from its card).",
        ),
    ],
)
def test_a_draft_of_an_idea_need_not_say_what_it_costs(cost, said):
    assert of_card(cost) == said


def test_a_key_that_the_class_does_not_take_is_named():
    with pytest.raises(AuditionError, match=r"ceilng is not a setting of .*did you mean 'ceiling'"):
        regenerated(LIMITER.format("ceilng: 1"))


def test_a_setting_without_a_default_must_be_given():
    lines = settings_of("audition.data.tiny_shakespeare.TinyShakespeare")
    assert any(line.startswith("path: ???") for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1e-8, "1.0e-08"),
        (1.5e-7, "1.5e-07"),
        (0.1, "0.1"),
        (math.inf, ".inf"),
        ("plain", "plain"),
        ("off", '"off"'),
        ("null", '"null"'),
        ("two words", '"two words"'),
        ((0.9, 0.99), "[0.9, 0.99]"),
        ({"a": 1}, "{a: 1}"),
        ({}, "{}"),
    ],
)
def test_values_as_yaml_writes_them(value, text):
    assert yaml_value(value) == text


def test_a_document_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="members: made by"):
        filled("no marks")


def test_every_member_says_what_it_is():
    for member in members():
        assert member.sentence, member.path


def test_settings_that_a_class_has_lost_are_one_sentence_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    text = "# Mine.\n_target_: audition.parts.optim.sgd.SGD\nlr: 0.1\nbetas: [0.9, 0.99]\n"
    file.write_text(text)
    other = tmp_path / "other.yaml"
    other.write_text(f"{text}eps: 1\n")
    monkeypatch.setattr("sys.argv", ["conf", str(file), str(other)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(
        f"audition: {file}: betas is not a setting of audition.parts.optim.sgd.SGD"
    )
    assert f"audition: {other}: betas, eps are not settings of audition.parts" in said
    assert said.endswith("; delete what is too much\n")
    assert file.read_text() == text

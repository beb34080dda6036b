"""The lint of cards: what a claim needs beyond a run, and what a batch of ideas must cover."""

from typing import Any

import pytest

from audition.cli.ledger import main
from audition.config.card import Card, check_card
from audition.config.lint import lint, lint_batch
from audition.config.members import members

IDEAS = {member.name: member for member in members("idea")}
GATE = IDEAS["spectral_gate"].plain


def claimed(change: dict[str, Any]) -> tuple[str, ...]:
    """What the gate's card lacks with some entries changed."""
    card = check_card("spectral_gate", {**GATE["cards"]["spectral_gate"], **change})
    return lint(card, GATE["ideas"]["spectral_gate"])


def a_card(name: str, aspect: str, mechanism: str) -> Card:
    plain = {**GATE["cards"]["spectral_gate"], "name": name, "flag": f"+idea={name}"}
    return check_card(name, {**plain, "aspect": aspect, "mechanism": mechanism})


@pytest.mark.parametrize("name", IDEAS)
def test_the_cards_of_the_house_lack_nothing(name: str) -> None:
    plain = IDEAS[name].plain
    card = check_card(name, plain["cards"][name])
    if card.is_draft:  # an author's, who may go on with it
        pytest.skip(f"a draft, which lacks {', '.join(card.missing)}")
    assert lint(card, plain["ideas"][name]) == ()


def test_the_mechanisms_of_the_house_are_distinct() -> None:
    cards = [check_card(name, idea.plain["cards"][name]) for name, idea in IDEAS.items()]
    assert not [sentence for sentence in lint_batch(cards) if "one mechanism" in sentence]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"falsifier": "None."}, "its falsifier says nothing"),
        ({"con": "TODO"}, "its con says nothing"),
        ({"pro": "<tell: why>"}, "its pro says nothing"),
        ({"kill_criterion": "<tell: when>"}, "its kill_criterion says nothing"),
        ({"pitch": "It works. It does."}, "its pitch is more than one sentence"),
        ({"con": "a", "pro": "a"}, "its con is its pro"),
        ({"symbols": {"\\zeta": "x"}}, "its math has no \\zeta, which its symbols explain"),
        ({"test": {"tokens": 10, "seeds": [1, 1, 2]}}, "its test has seeds [1, 1, 2], and needs 3"),
        ({"success": {"rule": "better", "d": 0.5}}, "its success has no threshold: 'better'"),
        ({"success": {"rule": "> 2σ", "d": "much"}}, "its success.d is much, and must be a number"),
        ({"flag": "+idea=gate"}, "its flag is +idea=gate, and must begin with +idea=spectral_gate"),
        ({"controls": {"shuffle=1": "x"}}, "its control shuffle=1 is no setting of it; choose"),
        ({"controls": {"rho=7": "x"}}, "spectral_gate.rho=7 is out of range"),
        ({"controls": {"ideas.spectral_gate.rho=2": "x"}}, "spectral_gate.rho=2 is out of range"),
        ({"controls": {"rho": "x"}}, "its control rho must be SETTING=VALUE"),
    ],
)
def test_what_a_claim_lacks_is_named(change: dict[str, Any], sentence: str) -> None:
    (said,) = claimed(change)
    assert said.startswith("spectral_gate: ")
    assert sentence in said


def test_a_draft_lacks_for_a_claim_all_that_is_missing_at_once() -> None:
    draft = check_card("spectral_gate", {"pitch": "Open frequencies one after the other."})
    (said,) = lint(draft, GATE["ideas"]["spectral_gate"])
    assert said == f"spectral_gate: it is a draft, which lacks {', '.join(draft.missing)}"


@pytest.mark.parametrize("test", [{"tokens": 250_000}, {"tokens": 12_000_000}, {"steps": 80}])
def test_any_budget_may_be_on_a_card(test: dict[str, int]) -> None:
    assert claimed({"test": {**test, "seeds": [1, 2, 3]}}) == ()


@pytest.mark.parametrize("control", ["model.tied_head=false", "+idea=placebo", "rho=X", "rho=0.5"])
def test_controls_may_be_any_override(control: str) -> None:
    assert claimed({"controls": {control: "x"}}) == ()


def test_a_long_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audition.config.lint.LINES", 100)
    (said,) = claimed({})
    assert "lines, and must have fewer than 100" in said


def test_an_idea_without_code_is_one_sentence() -> None:
    card = check_card("spectral_gate", GATE["cards"]["spectral_gate"])
    (said,) = lint(card, {"_target_": "nowhere.Gate"})
    assert said.startswith("spectral_gate: its code cannot be read: nowhere.Gate does not exist")


def test_one_mechanism_twice_is_one_idea() -> None:
    two = [a_card("a", "attention", "Key bias!"), a_card("b", "optimizer", "key-bias")]
    assert lint_batch(two) == ("a and b have one mechanism, 'key-bias'",)


def test_three_ideas_cover_three_aspects() -> None:
    aspects = ("attention", "optimizer", "attention")
    three = [a_card(name, aspect, name) for name, aspect in zip("abc", aspects, strict=True)]
    assert lint_batch(three) == (
        "3 ideas must cover 3 aspects, and these cover attention, optimizer",
    )
    assert lint_batch(three[:2]) == ()
    assert lint_batch([*three[:2], a_card("c", "dynamics", "c")]) == ()


def test_a_draft_is_written_and_its_lint_fails(tmp_path: Any, capsys: Any) -> None:
    """`audition new idea` refuses nothing that a draft needs; the lint says what a claim needs."""
    into = ["--package", "mylab", "--into", str(tmp_path)]
    main(["new", "idea", "cooling", *into, "--card", "aspect=cold", "--card", "pro=A breakthrough"])
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        main(["card", "cooling", "--lint", "--config-dir", str(tmp_path / "conf")])
    assert left.value.code == 1
    assert "the card of idea 'cooling' lacks mechanism, pitch, math" in capsys.readouterr().out


def test_a_batch_is_printed_with_numbers(capsys: Any) -> None:
    main(["card", "spectral_gate", "placebo"])
    told = capsys.readouterr().out
    assert "## Idea 1: spectral_gate\n" in told
    assert "## Idea 2: placebo\n" in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "audition card needs the name of an idea"),
        (["placebo", "model=tiny"], "model=tiny goes with --kill"),
        (["placebo", "spectral_gate", "--kill"], "--kill is asked of one idea at a time"),
        (["placebo", "--config-dir", "/nowhere"], "--config-dir /nowhere is not a folder"),
        (["--lint", "placbo"], "unknown idea 'placbo'; did you mean 'placebo'?"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(words: list[str], sentence: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        main(["card", *words])
    assert left.value.code == 2
    assert sentence in capsys.readouterr().err

"""Claims: what a file may say, what a ledger's registered tests make of it, and the page of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.conftest import DIGITS

from audition.answers.claim_evidence import found_in
from audition.answers.claims import Claim, claim_in, claims, written
from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.measure import Measure
from audition.records.registration import PlannedArm, Registration, register
from audition.records.store import Ledger
from audition.report.claims import page_of

Make = Callable[..., Ledger]
SEEDS = (42, 137, 256, 512)
ROOT = Path(__file__).parents[2]
TEXT = """
claim: "Large batches struggle"
source: a document
found: one run each
tests:
  - asks: At one rate
    command: python -m src.train +sweeps=batches -m
    seeds: {seeds}
  - asks: At the best rate
    command: python -m src.train +sweeps=batches tune=optimizer.lr -m
    seeds: 3
    role: control
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one claim, which is the current one."""
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "batches.yaml").write_text(TEXT.format(seeds=4))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_test(ledger: Ledger, names: tuple[str, ...], command: str, **terms: object) -> Ledger:
    """The ledger with its arms registered, as that command would have done it."""
    hashes = {name: f"{k:016x}" for k, name in enumerate(("baseline", *names))}
    plan = Registration(
        baseline_hash=hashes["baseline"],
        baseline_seeds=SEEDS,
        arms=tuple(
            PlannedArm(name=name, config_hash=hashes[name], seeds=SEEDS, cards={}) for name in names
        ),
        primary=(hashes[names[0]],),
        command=command,
        sides="two",
        **terms,  # type: ignore[arg-type]
    )
    register(ledger.root, plan)
    for record in ledger.read().records:
        ledger.write(replace(record, plan=plan.digest()))
    return ledger


def losses(*values: float) -> dict[int, float]:
    return dict(zip(SEEDS, values, strict=True))


SMALL = losses(1.500, 1.511, 1.494, 1.502)
LARGE = losses(1.700, 1.708, 1.696, 1.703)
LOSS = {"metric": "val_loss", "sesoi": 0.05, "expects": "worse"}


def take(ledger: Ledger) -> None:
    carry_out(["claims", "batches", "--take", "--write", "--output-dir", str(ledger.root)])


def test_a_ledgers_registered_test_becomes_evidence_and_a_page(
    home: Path, ledger_of: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = ledger_of({"baseline": SMALL, "large": LARGE})
    take(a_test(ledger, ("large",), "python -m src.train +sweeps=batches -m", **LOSS))
    claim = claim_in(home / "claims" / "batches.yaml")
    assert claim.stand == "holds"  # the test to come is a control
    (found,) = claim.evidence
    assert (found.command, found.expects) == (claim.tests[0].command, "worse")
    assert (found.arms[0].weight, found.arms[0].gain) == ("for", pytest.approx(-0.2, abs=0.01))
    page = (home / "docs" / "claims" / "batches.md").read_text()
    assert "**The tests say: holds.**" in page
    assert "for the claim (refuted, harmful)" in page
    assert "Not made yet; it takes 3 seeds an arm." in page  # the control
    assert (home / "docs" / "claims" / "figures" / "batches-1.png").stat().st_size > 10_000
    assert (
        "[Large batches struggle](batches.md) | holds | 4 |"
        in (home / "docs" / "claims" / "index.md").read_text()
    )
    capsys.readouterr()
    carry_out(["claims", "batches", "--json"])
    assert json.loads(capsys.readouterr().out)["stand"] == "holds"
    carry_out(["claims"])
    assert "batches  holds      4      Large batches struggle" in capsys.readouterr().out


def test_a_gain_of_what_is_better_when_higher_is_no_harm(home: Path, ledger_of: Make) -> None:
    more = {seed: 96.0 + value for seed, value in SMALL.items()}
    less = {seed: 90.0 + value for seed, value in SMALL.items()}
    ledger = ledger_of({"baseline": less, "large": more}, task=DIGITS)
    terms = {"metric": "val_accuracy", "sesoi": 0.5}
    take(a_test(ledger, ("large",), "x +sweeps=batches", expects="worse", **terms))
    (found,) = claim_in(home / "claims" / "batches.yaml").evidence
    (arm,) = found.arms
    assert arm.gain == pytest.approx(6.0)
    assert (arm.verdict, arm.kind, arm.weight) == ("supported", None, "against")
    page = (home / "docs" / "claims" / "batches.md").read_text()
    assert "harmful" not in page
    assert "validation accuracy [%], higher is better" in page
    assert "+6.00" in page


def test_too_few_seeds_say_nothing_and_say_so(home: Path, ledger_of: Make) -> None:
    (home / "claims" / "batches.yaml").write_text(TEXT.format(seeds=12))
    ledger = ledger_of({"baseline": SMALL, "large": LARGE})
    take(a_test(ledger, ("large",), "x +sweeps=batches", **LOSS))
    claim = claim_in(home / "claims" / "batches.yaml")
    assert claim.stand == "open"
    assert "4 seeds of 12: too few, so it says nothing of the claim." in page_of(claim)


def test_a_plan_belongs_to_the_test_with_most_of_its_words(home: Path, ledger_of: Make) -> None:
    claim = claim_in(home / "claims" / "batches.yaml")
    ledger = ledger_of({"baseline": SMALL, "large": LARGE})
    typed = "python -m src.train +sweeps=batches tune=optimizer.lr paths.output_dir=x -m"
    (found,) = found_in(a_test(ledger, ("large",), typed, **LOSS), claim)
    assert found.test is claim.tests[1]
    told = replace(claim, evidence=(found.evidence,))
    assert told.stand == "not tested here"  # a control has no voice
    own = replace(found.evidence, command=claim.tests[0].command)
    reverse = replace(found.evidence.arms[0], weight="against")
    control = replace(found.evidence, arms=(reverse,))
    both = replace(claim, evidence=(own, control))
    assert both.stand == "holds, and its control goes against it"
    more = replace(both, tests=(*claim.tests, replace(claim.tests[0], command="x +sweeps=more")))
    assert more.stand == "holds so far (1 of 2 tests), and its control goes against it"


def test_a_ledger_without_the_test_is_refused_with_the_command_that_makes_it(
    home: Path, ledger_of: Make
) -> None:
    claim = claim_in(home / "claims" / "batches.yaml")
    ledger = ledger_of({"baseline": SMALL, "large": LARGE})
    with pytest.raises(AuditionError, match="no registered test of 'batches': it is made by"):
        found_in(ledger, claim)
    a_test(ledger, ("large",), "x +sweeps=others", **LOSS)
    with pytest.raises(AuditionError, match="no registered test of 'batches'"):
        found_in(ledger, claim)


def test_evidence_comes_back_as_it_was_written(home: Path, ledger_of: Make) -> None:
    claim = claim_in(home / "claims" / "batches.yaml")
    ledger = ledger_of({"baseline": SMALL, "large": LARGE, "wild": losses(*[float("nan")] * 4)})
    (found,) = found_in(a_test(ledger, ("large", "wild"), "x +sweeps=batches", **LOSS), claim)
    (home / "claims" / "batches.json").write_text(json.dumps(written([found.evidence])))
    (again,) = claim_in(home / "claims" / "batches.yaml").evidence
    assert repr(again) == repr(found.evidence)
    assert again.others[0].kind == "unstable"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("source: a document\n", ""), "lacks source"),
        (("found:", "fund: x\nfound:"), "has fund, which this version does not know"),
        (("seeds: 4", "seeds: many"), "has tests="),
        (("tests:", "tests: [\n"), "cannot be read"),
    ],
)
def test_a_mistake_in_a_claims_file_is_one_sentence(
    home: Path, edit: tuple[str, str], said: str
) -> None:
    path = home / "claims" / "batches.yaml"
    path.write_text(TEXT.format(seeds=4).replace(*edit))
    with pytest.raises(AuditionError, match=said):
        claim_in(path)


def test_another_claim_and_a_folder_without_claims_are_refused(home: Path) -> None:
    with pytest.raises(AuditionError, match="there is no claim 'batch'; did you mean 'batches'"):
        carry_out(["claims", "batch"])
    with pytest.raises(AuditionError, match="name the claim"):
        carry_out(["claims", "--take"])
    (home / "claims" / "batches.yaml").unlink()
    with pytest.raises(AuditionError, match="there are no claims here"):
        carry_out(["claims"])


def test_the_tests_of_several_arms_are_weighed_together() -> None:
    claim = claim_in(ROOT / "claims" / "document004_batches.yaml")
    assert claim.tests[0].role == "claim"
    assert Claim(name="x", claim="", source="", found="", settled="holds, by proof").stand == (
        "holds, by proof"
    )


@pytest.mark.parametrize("claim", claims(ROOT / "claims"), ids=lambda claim: claim.name)
def test_every_claim_of_the_project_has_its_sweep_and_its_page(claim: Claim) -> None:
    for test in claim.tests:
        (sweep,) = (word for word in test.words if word.startswith("+sweeps="))
        text = (ROOT / "sweeps" / f"{sweep.removeprefix('+sweeps=')}.yaml").read_text()
        assert "primary:" in text
    assert (ROOT / "docs" / "claims" / f"{claim.name}.md").read_text() == page_of(claim)
    for page in claim.elsewhere:
        assert (ROOT / "docs" / "claims" / page).is_file()
    for found in claim.evidence:
        assert isinstance(found.measure, Measure)
        assert (ROOT / "docs" / "claims" / found.figure).is_file()
